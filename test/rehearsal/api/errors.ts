import type { Resource } from './resources';

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

interface Details {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly causes?: Cause[];
}

/** An answer other than success, in the words of the real server (apimachinery, pkg/api/errors): scripts and people read them. */
export class ApiError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly details?: Details,
  ) {
    super(message);
  }

  get status() {
    const { code, reason, message, details } = this;
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, ...(details && { details }), code };
  }
}

const qualified = ({ plural, group }: Resource) => (group ? `${plural}.${group}` : plural);
const named = ({ plural, group }: Resource, name: string) => ({ name, ...(group && { group }), kind: plural });

export function notFound(resource: Resource, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${qualified(resource)} "${name}" not found`, named(resource, name));
}

export function alreadyExists(resource: Resource, name: string): ApiError {
  return new ApiError(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, named(resource, name));
}

export function conflict(resource: Resource, name: string, why?: string): ApiError {
  const because = why ?? 'the object has been modified; please apply your changes to the latest version and try again';
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${because}`;
  return new ApiError(409, 'Conflict', message, named(resource, name));
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}

export function invalid({ kind, group }: Resource, name: string, causes: Cause[]): ApiError {
  const list = causes.map(({ field, message }) => `${field}: ${message}`);
  const what = list.length === 1 ? list[0] : `[${list.join(', ')}]`;
  const message = `${group ? `${kind}.${group}` : kind} "${name}" is invalid: ${what}`;
  return new ApiError(422, 'Invalid', message, { name, ...(group && { group }), kind, causes });
}

export function forbidden(resource: Resource | undefined, name: string, why: string): ApiError {
  const what = resource ? `${qualified(resource)}${name ? ` "${name}"` : ''} is forbidden` : 'forbidden';
  return new ApiError(403, 'Forbidden', `${what}: ${why}`, resource && named(resource, name));
}

/** Of the stand-in alone: a real server does what is asked here. */
export function notUnderstood(what: string): ApiError {
  return new ApiError(501, 'NotImplemented', `the API server stand-in does not understand ${what}: teach it (test/rehearsal/api)`);
}
