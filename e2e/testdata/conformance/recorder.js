// Notes what an app calls of the public API of durable-functions. The app requires this file instead of the package and gets what the package exports, each
// thing in a proxy that notes a use and hands it on: calls, constructions, reads and writes of properties, members of enums, and options that are passed. What
// the package's own code does among itself is not noted: it sees the things without their proxies. What is public, api.json says (tool/enumerate.js).
//
// Each use is a line of the file calls in E2E_DIR: the key of api.json.

const fs = require("fs");
const path = require("path");
const package_ = require("durable-functions");

const api = JSON.parse(fs.readFileSync(path.join(__dirname, "api.json"), "utf8"));
const noted = new Set();
const proxies = new WeakMap(); // thing -> its proxy
const things = new WeakMap(); // proxy -> its thing

function note(key) {
    if (!noted.has(key)) {
        noted.add(key);
        fs.appendFileSync(path.join(process.env.E2E_DIR, "calls"), key + "\n");
    }
}

const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

// bare takes the proxy off a value, and off the elements of an array.
function bare(value) {
    if (things.has(value)) {
        return things.get(value);
    }
    return Array.isArray(value) && value.some((v) => things.has(v)) ? value.map(bare) : value;
}

// shapeOf chooses what is known of a thing: by its class, or else the declared type that fits best.
function shapeOf(value, types) {
    const byClass = typeof value === "object" && api.shapes[value.constructor?.name];
    if (byClass && Object.keys(byClass.members).length > 0) {
        return byClass;
    }
    const fitting = types.map((t) => api.shapes[t]).filter((s) => s && Boolean(s.call) === (typeof value === "function"));
    const present = (shape) => shape.names.filter((name) => name in value).length;
    return fitting.sort((a, b) => present(b) - present(a))[0];
}

// wrap gives the proxy of a thing that the package hands to the app.
function wrap(value, types = []) {
    if (!isObject(value) || things.has(value)) {
        return value;
    }
    if (proxies.has(value)) {
        return proxies.get(value);
    }
    if (value instanceof Promise) {
        return value.then((v) => wrap(v, types));
    }
    if (Array.isArray(value)) {
        return value.map((v) => wrap(v, types));
    }
    const shape = shapeOf(value, types);
    if (!shape) {
        return typeof value === "function" ? (...args) => value(...args.map(bare)) : value;
    }
    return remember(value, shape.call ? callable(`${types.find((t) => api.shapes[t] === shape)}()`, shape, value) : new Proxy(value, membersOf(shape.members)));
}

function remember(value, proxy) {
    proxies.set(value, proxy);
    things.set(proxy, value);
    return proxy;
}

function membersOf(members) {
    return {
        get(thing, property) {
            const value = Reflect.get(thing, property, thing);
            const member = members[nameOf(property)];
            if (!member) {
                // Methods of others, such as context.log, work on the thing itself.
                return typeof value === "function" ? new Proxy(value, { apply: (f, self, args) => Reflect.apply(f, bare(self), args) }) : value;
            }
            return read(member, value, thing);
        },
        set(thing, property, value) {
            const member = members[nameOf(property)];
            if (member) {
                note(member.key);
            }
            thing[property] = bare(value);
            return true;
        },
    };
}

// Node.js calls this symbol by different names.
const nameOf = (property) => (property === Symbol.dispose ? "[Symbol.dispose]" : property);

function read(member, value, thing) {
    if (member.group && isObject(value)) {
        return new Proxy(value, membersOf(member.group));
    }
    if (member.method && typeof value === "function") {
        return callable(member.key, member, value, thing);
    }
    note(member.key);
    return wrap(value, member.types);
}

// callable is a function of the package for the app: noted when it is called.
function callable(key, signature, f, self) {
    return (...args) => {
        note(key);
        return wrap(Reflect.apply(f, self, args.map((a, i) => give(a, signature.params[i]))), signature.returns);
    };
}

// give takes what the app passes to the package: options are noted, callbacks get proxies.
function give(value, parameter) {
    value = bare(value);
    if (!parameter || !isObject(value)) {
        return value;
    }
    if (typeof value === "function") {
        const callback = parameter.callback;
        return callback ? handler(value, callback) : value;
    }
    if (Array.isArray(value)) {
        return value.map((v) => give(v, parameter));
    }
    const prototype = Object.getPrototypeOf(value);
    const shape = prototype === Object.prototype && shapeOf(value, parameter.types);
    return shape ? options(value, shape.members) : value;
}

function options(value, members) {
    const out = {};
    for (const [name, v] of Object.entries(value)) {
        const member = members[name];
        if (member && member.group) {
            out[name] = options(v, member.group);
        } else if (member && member.method) {
            // A method of the app's, which the package calls.
            out[name] = (...args) => {
                note(member.key);
                return bare(v.apply(value, args.map((a, i) => wrap(a, member.params[i]?.types))));
            };
        } else {
            if (member) {
                note(member.key);
            }
            out[name] = give(v, member);
        }
    }
    return out;
}

// handler is a function of the app's for the package.
function handler(f, { params }) {
    const proxied = (args) => args.map((a, i) => wrap(a, params[i]?.types));
    if (f.constructor.name !== "GeneratorFunction") {
        return (...args) => {
            const result = f(...proxied(args));
            return result instanceof Promise ? result.then(bare) : bare(result);
        };
    }
    return function* (...args) {
        const generator = f(...proxied(args));
        const go = (how, value) => {
            try {
                return generator[how](wrap(value));
            } catch (error) {
                throw bare(error);
            }
        };
        let step = go("next");
        while (!step.done) {
            let result;
            try {
                result = yield bare(step.value);
            } catch (error) {
                step = go("throw", error);
                continue;
            }
            step = go("next", result);
        }
        return bare(step.value);
    };
}

function exported(name, value) {
    const it = api.exports[name];
    switch (it?.kind) {
        case "function":
            return callable(it.key, it, value);
        case "class":
            return new Proxy(value, {
                construct(thing, args) {
                    note(it.key);
                    return wrap(new thing(...args.map((a, i) => give(a, it.params[i]))), [it.type]);
                },
                get: (thing, property) => (it.statics[nameOf(property)] ? read(it.statics[nameOf(property)], thing[property], thing) : thing[property]),
            });
        case "enum":
            return new Proxy(value, {
                get(thing, property) {
                    note(`${name}.${nameOf(property)}`);
                    return thing[property];
                },
            });
        default: {
            const inner = Object.keys(api.exports).filter((n) => n.startsWith(name + "."));
            return inner.length > 0 ? Object.fromEntries(Object.keys(value).map((n) => [n, exported(`${name}.${n}`, value[n])])) : value;
        }
    }
}

module.exports = Object.fromEntries(Object.keys(package_).map((name) => [name, exported(name, package_[name])]));
