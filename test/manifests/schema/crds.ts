import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type CustomKind, METADATA, type Schema } from './custom';

/** A CustomResourceDefinition, as far as it is read. */
interface Crd {
  readonly kind: string;
  readonly spec: {
    readonly group: string;
    readonly scope: 'Namespaced' | 'Cluster';
    readonly names: { readonly kind: string };
    readonly versions: { readonly name: string; readonly served: boolean; readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

/** The kinds that the CRDs in the YAML files of a folder define, in the versions that are served. */
export function kindsOfCrds(folder: string): CustomKind[] {
  return readdirSync(folder)
    .filter(file => file.endsWith('.yaml'))
    .flatMap(file => crdsIn(readFileSync(join(folder, file), 'utf8'), file))
    .flatMap(({ spec }) =>
      spec.versions
        .filter(({ served }) => served)
        .map(({ name, schema }) => {
          const { properties, ...root } = closed(schema.openAPIV3Schema) as { properties: { [field: string]: Schema } };
          return {
            apiVersion: `${spec.group}/${name}`,
            kind: spec.names.kind,
            namespaced: spec.scope === 'Namespaced',
            // `metadata` of a CRD says nothing: the API server knows them.
            schema: { ...root, properties: { ...properties, metadata: METADATA } },
          };
        }),
    );
}

function crdsIn(text: string, file: string): Crd[] {
  return parseAllDocuments(text)
    .map(document => {
      // What yaml could not read it leaves out of the tree, and goes on.
      if (document.errors[0]) throw new Error(`${file}: ${document.errors[0].message}`);
      return document.toJS() as Crd | null;
    })
    .filter(crd => crd?.kind === 'CustomResourceDefinition') as Crd[];
}

/** A schema of Kubernetes as one of JSON: what it does not know is refused, where the API server drops it without a word. */
function closed(schema: Schema): Schema {
  const { properties, items, additionalProperties, nullable, type, ...rest } = schema;
  const of = (one: unknown) => closed(one as Schema);
  const open = rest['x-kubernetes-preserve-unknown-fields'] === true;
  const types = rest['x-kubernetes-int-or-string'] ? ['integer', 'string'] : type ? [type] : [];
  return {
    ...rest,
    ...(types.length > 0 && { type: nullable ? [...types, 'null'] : types }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(Object.entries(properties as object).map(([field, one]) => [field, of(one)])),
      additionalProperties: open,
    }),
    ...(items !== undefined && { items: of(items) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: of(additionalProperties) }),
  };
}
