/**
 * The scan of a module as plain data. The npm package scans a module with the TypeScript compiler at every call
 * (seconds); here it is done once per source and kept as JSON, from which the same classes are revived.
 */

/** Fields that point into the compiler's syntax tree; nothing but `getLocation` reads them after the scan. */
const COMPILER_FIELDS = new Set(["node", "__node", "ast", "symbol", "signature", "userModule", "_typeRef", "_returnTypeRef"]);

/**
 * The classes that a scan consists of, by name.
 * @param {Record<string, any>} library exports of library.mjs
 * @returns {Record<string, Function>}
 */
function classes(library) {
  const { DaggerEnumValue, DaggerEnumClassValue, DaggerInterfaceFunction, DaggerObjectTypeProperty, DaggerProperty } = library;
  return { ...library.scanned, DaggerEnumValue, DaggerEnumClassValue, DaggerInterfaceFunction, DaggerObjectTypeProperty, DaggerProperty };
}

/** @param {Record<string, any>} library @param {any} value @returns {any} JSON-safe copy */
export function freezeScan(library, value) {
  const names = new Map(Object.entries(classes(library)).map(([name, type]) => [type, name]));
  /** @param {any} item @returns {any} */
  const freeze = (item) => {
    if (Array.isArray(item)) return item.map(freeze);
    if (item === null || typeof item !== "object") return item;
    const type = names.get(item.constructor);
    const fields = Object.entries(item).filter(([key, field]) => !COMPILER_FIELDS.has(key) && field !== undefined);
    /** @type {Record<string, any>} */
    const copy = Object.fromEntries(fields.map(([key, field]) => [key, freeze(field)]));
    return type ? { $type: type, $location: locate(item), fields: copy } : copy;
  };
  return freeze(value);
}

/** @param {any} item */
function locate(item) {
  return typeof item.getLocation === "function" ? item.getLocation() : null;
}

/** @param {Record<string, any>} library @param {any} frozen @returns {any} */
export function reviveScan(library, frozen) {
  const types = classes(library);
  /** @param {any} item @returns {any} */
  const revive = (item) => {
    if (Array.isArray(item)) return item.map(revive);
    if (item === null || typeof item !== "object") return item;
    const { $type, $location, fields } = item;
    if ($type === undefined) return Object.fromEntries(Object.entries(item).map(([key, field]) => [key, revive(field)]));
    const object = Object.assign(Object.create(/** @type {any} */ (types[$type]).prototype), revive(fields));
    if ($location) Object.defineProperty(object, "getLocation", { value: () => $location });
    return object;
  };
  return revive(frozen);
}
