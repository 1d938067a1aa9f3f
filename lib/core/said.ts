/** The options without members that are undefined, such as those of a condition that did not hold. */
export function said<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options;
}
