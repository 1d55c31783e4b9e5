/** In Node, browsers and workerd alike; TypeScript knows it from its DOM library only. */
declare function structuredClone<T>(value: T): T;
