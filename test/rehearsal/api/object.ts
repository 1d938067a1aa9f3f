/** A field of an object, as loose as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the API's objects are what clients send
export type Loose = any;

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

export interface ApiMetadata {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: { [label: string]: string };
  annotations?: { [annotation: string]: string };
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
}

/** An object of the Kubernetes API, as it is stored and sent. */
export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: ApiMetadata;
  spec?: Loose;
  status?: Loose;
  [field: string]: Loose;
}

/** A time as the API writes it: whole seconds. */
export function timestamp(date = new Date()): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** A copy as it comes over the wire and is stored: fields that are not set, or set to null, are not there. */
export function plain<T>(object: T): T {
  return JSON.parse(JSON.stringify(object, (_, value) => (value === null ? undefined : value)));
}
