/** An object to be written: how the API server identifies it, and where in the app it comes from. */
export interface Document {
  /** The path of the object's construct; of its chart, when the chart renders itself. */
  readonly from: string;
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** A file to be written. */
export interface File {
  /** Its path below the output directory. */
  readonly path: string;
  /** The path of the construct whose file it is. */
  readonly from: string;
}

/**
 * Objects that are the same to the API server, so that the last one applied wins: same API group, kind, namespace and name.
 *
 * @returns a line for each, the paths of the constructs first
 */
export function sameObjects(documents: Document[]): string[] {
  return shared(
    documents.filter(({ name }) => name),
    ({ apiVersion = '', kind = '', name = '', namespace = '' }) => {
      const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0]}` : '';
      return `${kind}${group} '${name}'${namespace && ` in namespace '${namespace}'`}`;
    },
    what => `all make ${what}; give each its own name`,
  );
}

/**
 * Files that would overwrite each other.
 *
 * @returns a line for each, the paths of the constructs first
 */
export function sameFiles(files: File[]): string[] {
  return shared(
    files,
    file => file.path,
    path => `all write the file '${path}'; rename the constructs, or choose another yamlOutputType`,
  );
}

/** Things that share a key: where each comes from, and the problem with it. */
function shared<T extends { from: string }>(things: T[], keyOf: (thing: T) => string, trouble: (key: string) => string): string[] {
  const byKey = new Map<string, string[]>();
  for (const thing of things) {
    const key = keyOf(thing);
    byKey.set(key, [...(byKey.get(key) ?? []), thing.from]);
  }
  return [...byKey].filter(([, from]) => from.length > 1).map(([key, from]) => `${from.join(', ')}: ${trouble(key)}`);
}
