import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from './input-error';

// Several errors are shown together at synthesis, where a stack trace says no more than that the app was synthesized. So each says which
// line of the user's own has asked for what was wrong.

/** This library, wherever it is: `lib/`, or `build/lib/` of the package. */
const OURS = join(__dirname, '..') + sep;

/** Calls that ask for something that is done later. Their stack becomes text only where it is read. */
const asked = new WeakMap<object, Error>();

/** Notes that the user has just asked for something. */
export function noteLine(what: object): void {
  asked.set(what, new Error());
}

/**
 * An error of input in one line, and the line of the user's own that it comes from.
 *
 * @param error what was thrown
 * @param what what was asked for by `noteLine`
 * @returns undefined of any other error, whose stack trace is needed
 */
export function complaintOf(error: unknown, what?: object): string | undefined {
  if (!(error instanceof InputError)) return undefined;
  const here = userLines(new Error());
  // What the user's own code has called meanwhile is nearer than where that code was asked for.
  const line = userLines(error).find(each => !here.includes(each)) ?? (what && userLines(asked.get(what))[0]);
  return line === undefined ? error.message : `${error.message} (${line})`;
}

/** The frames of a stack, the innermost first, that belong neither to this library, nor to a package, nor to Node. */
function userLines(error: Error | undefined): string[] {
  return (error?.stack ?? '').split('\n').flatMap(frame => {
    const [, place = '', line] = /^ +at (?:.* \()?(.+?):(\d+):\d+\)?$/.exec(frame) ?? [];
    const path = place.startsWith('file:') ? fileURLToPath(place) : place;
    if (path === '' || path.startsWith('node:') || path.startsWith(OURS) || path.includes(`${sep}node_modules${sep}`)) return [];
    return [`${relative(process.cwd(), path)}:${line}`];
  });
}
