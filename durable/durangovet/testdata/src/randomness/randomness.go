// Package randomness has orchestrators that draw from random sources.
package randomness

import (
	crand "crypto/rand"
	"io"
	"math/rand"
	randv2 "math/rand/v2"

	"github.com/durango-functions/durango/durable"
	"github.com/google/uuid"
)

func Numbers(o *durable.Orchestration) {
	_ = rand.Intn(3)                      // want `orchestrator Numbers calls rand\.Intn: each replay gets another value; use o\.Rand\(\)`
	rand.Shuffle(2, func(i, j int) {})    // want `calls rand\.Shuffle`
	_ = randv2.IntN(3)                    // want `calls rand\.IntN`
	_ = randv2.N(3)                       // want `calls rand\.N`
	_, _ = crand.Read(nil)                // want `calls rand\.Read`
	_, _ = io.ReadFull(crand.Reader, nil) // want `uses rand\.Reader`
}

func IDs(o *durable.Orchestration) {
	_ = uuid.New()                  // want `orchestrator IDs calls uuid\.New: each replay gets another ID; use o\.NewGUID\(\)`
	_ = uuid.NewString()            // want `calls uuid\.NewString`
	_ = uuid.Must(uuid.NewRandom()) // want `calls uuid\.NewRandom`
	_, _ = uuid.NewV7()             // want `calls uuid\.NewV7`
}

func Fine(o *durable.Orchestration) {
	_ = o.Rand().IntN(3)
	_ = o.NewGUID()
	seeded := rand.New(rand.NewSource(42))
	_ = seeded.Intn(3)
	_ = randv2.New(randv2.NewPCG(1, 2)).IntN(3)
	_ = uuid.NewSHA1(uuid.NameSpaceURL, []byte(o.InstanceID())).String()
	_, _ = uuid.Parse("0")
	_, _ = durable.SideEffect(o, func() string { return uuid.NewString() })
}
