package durable_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/durango-functions/durango/durable"
)

// A client over any store, here one whose orchestrators are done at once.
func ExampleClient_StartNew() {
	store := &stub{wait: until(durable.Completed)}
	client := durable.NewClient(store, durable.ClientConfig{Orchestrators: func() []string { return []string{"HelloWorld"} }})
	ctx := context.Background()

	id, err := client.StartNew(ctx, "HelloWorld", map[string]string{"city": "Tokyo"}, durable.StartOptions{InstanceID: "greeting-1"})
	if errors.Is(err, durable.ErrStartTimeout) {
		fmt.Println("it will start later:", id)
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	status, err := client.WaitForCompletion(ctx, id)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(status.InstanceID, status.RuntimeStatus)

	_, err = client.StartNew(ctx, "HelloWorl", nil, durable.StartOptions{})
	fmt.Println(err)
	// Output:
	// greeting-1 Completed
	// no orchestrator function called 'HelloWorl'; did you mean 'HelloWorld'?
}
