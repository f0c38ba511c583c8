// Lists the public API of an npm package from its type declarations: node enumerate.js FOLDER-OF-THE-PACKAGE prints JSON.
//
//   keys     what a caller of the package can use, each {key, kind}: function, constructor, method, property, member (of an enum)
//   types    exported names that exist for the compiler only
//   absent   exported values that the package declares and does not export when it runs
//   shapes   for each reachable type its members, with the names of the types that these give or take
//   exports  the exported values, with what kind of thing they are
//
// Reachable are the types that the exported values mention, if the package itself declares them. A constructor counts only if its class is exported.

const fs = require("fs");
const path = require("path");
const ts = require("typescript");

const root = fs.realpathSync(process.argv[2]);
const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
const entry = path.join(root, manifest.types || manifest.typings);
const program = ts.createProgram([entry], { target: ts.ScriptTarget.ESNext, moduleResolution: ts.ModuleResolutionKind.Node10, types: [], strict: true, skipLibCheck: true });
const checker = program.getTypeChecker();

const keys = new Map();
const types = new Set();
const absent = new Set();
const shapes = {};
const exported = {};
const exportedClasses = new Set();

const add = (key, kind) => keys.has(key) || keys.set(key, kind);
const target = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
const own = (symbol) =>
    (symbol.declarations || []).some((d) => {
        const file = d.getSourceFile().fileName;
        return file.startsWith(root + "/") && !file.slice(root.length).includes("/node_modules/");
    });
const hidden = (symbol) =>
    (symbol.declarations || []).some((d) => ts.getCombinedModifierFlags(d) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected));
// Members that a symbol names, such as [Symbol.dispose], have an internal name such as __@dispose@12.
const nameOf = (symbol) => symbol.name.replace(/^__@(\w+)@\d+$/, "[Symbol.$1]");
const location = (symbol) => symbol.valueDeclaration || symbol.declarations[0];

// named gives the names of the package's types within a type: of a union all of them, of arrays and promises those of the elements.
function named(type, found = new Set()) {
    if (type.isUnionOrIntersection()) {
        type.types.forEach((t) => named(t, found));
        return found;
    }
    const argument = checker.getTypeArguments && type.target ? checker.getTypeArguments(type) : [];
    const symbol = type.aliasSymbol && own(type.aliasSymbol) ? type.aliasSymbol : type.symbol;
    if (symbol && own(symbol)) {
        if (symbol.flags & (ts.SymbolFlags.Enum | ts.SymbolFlags.EnumMember)) {
            return found;
        }
        if (symbol.name !== "__type" && symbol.name !== "__function") {
            visit(symbol, type);
            found.add(symbol.name);
            return found;
        }
    }
    argument.forEach((t) => named(t, found));
    return found;
}

function visitSignature(signature) {
    const shape = { params: [], returns: [...named(signature.getReturnType())] };
    for (const parameter of signature.getParameters()) {
        const type = checker.getTypeOfSymbolAtLocation(parameter, location(parameter));
        shape.params.push(describe(checker.getNonNullableType(type)));
    }
    return shape;
}

// describe says what is known of a type: the package's types in it, or the signatures of a callback.
function describe(type) {
    const signatures = type.isUnion() ? type.types.flatMap((t) => t.getCallSignatures()) : type.getCallSignatures();
    const types = [...named(type)];
    if (signatures.length > 0 && types.every((t) => !shapes[t] || shapes[t].call)) {
        return { types, callback: visitSignature(signatures[0]) };
    }
    return { types };
}

function merge(signatures) {
    const all = signatures.map(visitSignature);
    // What a call gives back may be a function of the package's own, to be called in turn.
    all.flatMap((s) => s.returns).filter((t) => shapes[t].call).forEach((t) => add(`${t}()`, "method"));
    return {
        params: all.sort((a, b) => b.params.length - a.params.length)[0]?.params.map((p, i) => {
            const overloads = all.map((s) => s.params[i]).filter(Boolean);
            return { types: [...new Set(overloads.flatMap((o) => o.types))], callback: overloads.find((o) => o.callback)?.callback };
        }) || [],
        returns: [...new Set(all.flatMap((s) => s.returns))],
    };
}

// visit notes the members of a type that the package declares. A type that is nothing but a function is a callback of the user's, or a thing to call.
function visit(symbol, type) {
    const name = symbol.name;
    if (shapes[name]) {
        return;
    }
    // The names tell types apart that differ in what they have from other packages.
    const shape = (shapes[name] = { members: {}, names: type.getProperties().map(nameOf) });
    const calls = type.getCallSignatures();
    if (calls.length > 0) {
        shape.call = true;
        Object.assign(shape, merge(calls));
    }
    for (const property of type.getProperties()) {
        // Inherited members count for the type that declares them; foreign ones do not count.
        const owner = property.parent && property.parent.name !== "__type" ? property.parent.name : name;
        if (!own(property) || hidden(property) || property.flags & ts.SymbolFlags.Prototype) {
            continue;
        }
        const key = `${owner}.${nameOf(property)}`;
        shape.members[nameOf(property)] = member(key, property);
    }
    for (const base of type.getBaseTypes?.() || []) {
        named(base);
    }
}

function member(key, property) {
    const type = checker.getNonNullableType(checker.getTypeOfSymbolAtLocation(property, location(property)));
    const signatures = type.getCallSignatures();
    if (signatures.length > 0 && !(type.aliasSymbol && own(type.aliasSymbol))) {
        add(key, "method");
        return { key, method: true, ...merge(signatures) };
    }
    // An object type without a name, such as that of df.Task, is a group of members.
    if (type.symbol?.name === "__type" && own(type.symbol) && !type.aliasSymbol && type.getProperties().length > 0) {
        const members = {};
        for (const inner of type.getProperties()) {
            members[inner.name] = member(`${key}.${inner.name}`, inner);
        }
        return { key, group: members };
    }
    add(key, "property");
    return { key, ...describe(type) };
}

function visitExports(symbol, prefix, value) {
    for (const alias of checker.getExportsOfModule(symbol)) {
        const it = target(alias);
        const name = prefix + alias.name;
        const present = value !== undefined && value !== null && value[alias.name] !== undefined;
        if (it.flags & ts.SymbolFlags.ValueModule && !(it.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Class))) {
            visitExports(it, name + ".", value?.[alias.name]);
            continue;
        }
        if (!(it.flags & (ts.SymbolFlags.Value))) {
            types.add(name);
            named(checker.getDeclaredTypeOfSymbol(it));
            continue;
        }
        if (!present) {
            absent.add(name);
            continue;
        }
        if (it.flags & ts.SymbolFlags.Enum) {
            for (const inner of checker.getExportsOfModule(it).filter((m) => m.flags & ts.SymbolFlags.EnumMember)) {
                add(`${name}.${inner.name}`, "member");
            }
            exported[name] = { kind: "enum" };
        } else if (it.flags & ts.SymbolFlags.Class) {
            visitClass(it, name);
        } else {
            add(name, "function");
            exported[name] = { kind: "function", key: name, ...merge(checker.getTypeOfSymbolAtLocation(it, location(it)).getCallSignatures()) };
        }
    }
}

function visitClass(symbol, name) {
    exportedClasses.add(symbol.name);
    visit(symbol, checker.getDeclaredTypeOfSymbol(symbol));
    const constructor = checker.getTypeOfSymbolAtLocation(symbol, location(symbol));
    const statics = {};
    for (const property of constructor.getProperties()) {
        if (!hidden(property) && own(property) && !(property.flags & ts.SymbolFlags.Prototype)) {
            statics[property.name] = member(`${name}.${property.name} (static)`, property);
        }
    }
    const signatures = constructor.getConstructSignatures().filter((s) => s.declaration && own(s.declaration.symbol || symbol));
    const declared = signatures.filter((s) => ts.isConstructorDeclaration(s.declaration));
    if (declared.length > 0) {
        add(`new ${name}`, "constructor");
    }
    exported[name] = { kind: "class", type: symbol.name, key: `new ${name}`, statics, ...merge(declared) };
}

const source = program.getSourceFile(entry);
visitExports(checker.getSymbolAtLocation(source), "", require(root));
process.stdout.write(
    JSON.stringify(
        {
            package: manifest.name,
            version: manifest.version,
            keys: [...keys].map(([key, kind]) => ({ key, kind })).sort((a, b) => (a.key < b.key ? -1 : 1)),
            types: [...types].sort(),
            absent: [...absent].sort(),
            shapes,
            exports: exported,
        },
        null,
        1
    )
);
