'use strict';
// Private fields of the library @azure/functions. It is compiled for engines without them, and keeps each in a WeakMap: with some eight entries per
// invocation these cost more than what the library does besides, most of it in the garbage collector. While the library's file is loaded, the names
// WeakMap and WeakSet mean classes that do the same with a true private field of the object.

const LIBRARY = /(^|[\\/])@azure[\\/]functions([\\/]dist[\\/]azure-functions(\.min)?\.js)?$/;

// Itself is a base class whose constructor returns its argument, to which the derived class adds its fields.
class Itself {
  constructor(object) {
    return object;
  }
}

const ABSENT = Symbol('absent'); // the value of what was deleted: a field stays
const isKey = (object) => (typeof object === 'object' && object !== null) || typeof object === 'function';

// newField makes a private field of any object.
function newField() {
  return class Field extends Itself {
    #value;

    constructor(object, value) {
      super(object);
      this.#value = value;
    }

    static has(object) {
      return isKey(object) && #value in object && object.#value !== ABSENT;
    }

    static get(object) {
      return Field.has(object) ? object.#value : undefined;
    }

    static set(object, value) {
      if (#value in object) object.#value = value;
      else new Field(object, value);
    }
  };
}

class FieldMap extends WeakMap {
  #field = newField();

  constructor(entries) {
    super();
    for (const [key, value] of entries || []) this.set(key, value);
  }

  has(key) {
    return this.#field.has(key);
  }

  get(key) {
    return this.#field.get(key);
  }

  set(key, value) {
    if (!isKey(key)) return super.set(key, value); // which throws
    this.#field.set(key, value);
    return this;
  }

  delete(key) {
    const isThere = this.has(key);
    if (isThere) this.#field.set(key, ABSENT);
    return isThere;
  }
}

class FieldSet extends WeakSet {
  #field = newField();

  constructor(values) {
    super();
    for (const value of values || []) this.add(value);
  }

  has(value) {
    return this.#field.has(value);
  }

  add(value) {
    if (!isKey(value)) return super.add(value); // which throws
    this.#field.set(value, true);
    return this;
  }

  delete(value) {
    const isThere = this.has(value);
    if (isThere) this.#field.set(value, ABSENT);
    return isThere;
  }
}

// loading loads a script with the library's names if it is the library's, and those of the language otherwise, also when the library requires it.
function loading(request, load) {
  const isLibrary = LIBRARY.test(request);
  if (isLibrary === (globalThis.WeakMap === FieldMap)) return load();
  const { WeakMap: map, WeakSet: set } = globalThis;
  [globalThis.WeakMap, globalThis.WeakSet] = isLibrary ? [FieldMap, FieldSet] : [Object.getPrototypeOf(FieldMap), Object.getPrototypeOf(FieldSet)];
  try {
    return load();
  } finally {
    [globalThis.WeakMap, globalThis.WeakSet] = [map, set];
  }
}

module.exports = { FieldMap, FieldSet, loading };
