import type { IConstruct } from 'constructs';

// What manifests alone do not say of what has to be there before them. Constructs note it as they are made, and `app/` reads it.

const NEED = 'cdk8s-backup:need';

/** A role in a database, and what it has to be allowed. */
export interface RoleNeed {
  /** What is done as it: `backs up`. */
  readonly does: string;
  /** Of what, and where: `orders (postgres at orders-db)`. */
  readonly of: string;
  /** The Secret with its name and password. */
  readonly secret: string;
  /** What somebody types at the server, in its own language. */
  readonly grants: string[];
}

/** Something noted on a construct. */
export type Need =
  | { readonly type: 'object'; readonly kind: string; readonly name: string; readonly by: string }
  | { readonly type: 'made'; readonly kind: string; readonly name: string }
  | { readonly type: 'purpose'; readonly secret: string; readonly does: string; readonly of: string }
  | ({ readonly type: 'role' } & RoleNeed);

/**
 * Notes an object that a job asks for by name, and to which no manifest refers in a way that Kubernetes knows.
 *
 * @param by the object that asks: `CronJob gallery-snapshot`
 */
export function needsObject(scope: IConstruct, kind: string, name: string, by: string): void {
  note(scope, { type: 'object', kind, name, by });
}

/** Notes an object that a job makes before pods refer to it. */
export function makesObject(scope: IConstruct, kind: string, name: string): void {
  note(scope, { type: 'made', kind, name });
}

/**
 * Notes what Secrets are for.
 *
 * @param does what is done with them: `opens a repository of`
 * @param of of what: `orders`; several things are listed together
 */
export function needsSecrets(scope: IConstruct, secrets: string[], does: string, of: string): void {
  for (const secret of new Set(secrets)) note(scope, { type: 'purpose', secret, does, of });
}

/** Notes a role that somebody has to create in a database. A role without a Secret has no name, and is not noted. */
export function needsRole(scope: IConstruct, role: RoleNeed): void {
  if (role.secret && role.grants.length > 0) note(scope, { type: 'role', ...role });
}

/** What was noted on a construct. */
export function needsOf(construct: IConstruct): Need[] {
  return construct.node.metadata.filter(({ type }) => type === NEED).map(({ data }) => data as Need);
}

const unfinished = new WeakMap<IConstruct, () => boolean>();

/**
 * Notes that a construct is not complete before synthesis. Its needs are not known until then.
 *
 * @param isUnfinished whether that is so now
 */
export function completesAtSynthesis(scope: IConstruct, isUnfinished: () => boolean): void {
  unfinished.set(scope, isUnfinished);
}

/** Whether a construct is not complete yet. */
export function isUnfinished(construct: IConstruct): boolean {
  return unfinished.get(construct)?.() ?? false;
}

function note(scope: IConstruct, need: Need): void {
  scope.node.addMetadata(NEED, need);
}
