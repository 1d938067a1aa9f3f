/** The values at a path such as `spec.containers.*.name`, where `*` is every item of a list. What is not there is undefined. */
export function valuesAt(value: unknown, path: string): unknown[] {
  return path.split('.').reduce<unknown[]>(
    (values, key) =>
      values.flatMap(at => {
        const fields = (at ?? {}) as { [key: string]: unknown };
        return key === '*' ? Object.values(fields) : [fields[key]];
      }),
    [value],
  );
}

/** Puts a value at a path and makes what is missing on the way; undefined takes away what is there. */
export function setAt(value: object, path: string, to: unknown): void {
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let at = value as { [key: string]: unknown };
  for (const key of keys) {
    at[key] ??= {};
    at = at[key] as typeof at;
  }
  if (to === undefined) {
    delete at[last];
  } else {
    at[last] = to;
  }
}
