/** What was said: a member that is there and undefined, as of a condition that did not hold, is none. */
export function said<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options;
}
