package node

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/worker"
)

// useOfMaps is what a WeakMap and a WeakSet answer to all that can be done with them.
const useOfMaps = `(WeakMap, WeakSet) => {
	const thrown = (what) => { try { what(); return 'nothing'; } catch (err) { return err.constructor.name; } };
	const [a, b, c, f] = [{}, Object.freeze({}), [], () => {}];
	const other = new WeakMap();
	const map = new WeakMap([[a, 1]]);
	const set = new WeakSet([a]);
	const answers = [
		map.set(b, undefined) === map, map.set(f, 2).get(f), map.get(a), map.has(b), map.get(b), map.has(c), map.get(c), other.has(a), map.has(1), map.get('x'), map.has(null),
		map.set(a, 3).get(a), map.delete(a), map.has(a), map.delete(a), map.get(a), map.set(a, 4).get(a), map.delete(1), thrown(() => map.set(1, 1)),
		set.add(b) === set, set.has(a), set.has(b), set.has(c), set.delete(a), set.has(a), set.delete(a), set.add(a).has(a), set.has(1), thrown(() => set.add(null)),
		thrown(() => WeakMap()), String(map), String(set), JSON.stringify(a), require('util').inspect(a), Reflect.ownKeys(a).length,
	];
	return answers.map(String);
}`

// The library's file has classes of ours for WeakMap and WeakSet, which do the same as those of the language; nothing else has.
func TestFieldsOfLibrary(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{
		"node_modules/@azure/functions/package.json": `{"name": "@azure/functions", "main": "./dist/azure-functions.js"}`,
		"node_modules/@azure/functions/dist/azure-functions.js": `module.exports = { WeakMap, WeakSet, used: require('used'),
			after: [WeakMap, WeakSet], failed: (() => { try { require('failing') } catch (err) { return [err.message, WeakMap] } })() }`,
		"node_modules/used/index.js":    `module.exports = [WeakMap, WeakSet]`,
		"node_modules/failing/index.js": `throw new Error('failing')`,
		"check/index.js": `const before = [WeakMap, WeakSet];
			const library = require('@azure/functions');
			const use = ` + useOfMaps + `;
			const same = (a, b) => a[0] === b[0] && a[1] === b[1];
			const checks = {
				'the library has others': library.WeakMap !== WeakMap && library.WeakSet !== WeakSet,
				'it keeps them': same(library.after, [library.WeakMap, library.WeakSet]),
				'they are restored after what fails': same(library.failed, ['failing', library.WeakMap]),
				'what it requires has those of the language': same(library.used, before),
				'the app has those of the language': same([WeakMap, WeakSet], before) && WeakMap.name === 'WeakMap',
				'they are of the same kind': new library.WeakMap() instanceof WeakMap && new library.WeakSet() instanceof WeakSet,
			};
			module.exports = async () => ({ checks, language: use(WeakMap, WeakSet), library: use(library.WeakMap, library.WeakSet) })`,
	})
	result, err := a.invoke(activity(a, "check/index.js"), worker.StringValue("in"))
	require.NoError(t, err)
	var got struct {
		Checks            map[string]bool
		Language, Library []string
	}
	require.NoError(t, json.Unmarshal(result.ReturnValue.Data, &got))
	require.Len(t, got.Checks, 6)
	for what, holds := range got.Checks {
		require.True(t, holds, what)
	}
	require.Len(t, got.Language, 35)
	require.Equal(t, got.Language, got.Library)
}
