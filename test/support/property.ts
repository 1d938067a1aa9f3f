import fc from 'fast-check';

/** Repeats a run: `FC_SEED=<seed> npx vitest ...`. */
const seed = process.env.FC_SEED === undefined ? Date.now() % 2 ** 31 : Number(process.env.FC_SEED);

/** How many values are tried: `FC_RUNS=200000 npx vitest ...` for an hour of searching. */
const numRuns = Number(process.env.FC_RUNS ?? 150);

/** Tries a property with random values; what fails is told with its seed, and the smallest values that fail. */
export function property<Values extends [unknown, ...unknown[]]>(
  ...args: [...arbitraries: { [K in keyof Values]: fc.Arbitrary<Values[K]> }, predicate: (...values: Values) => void]
): void {
  console.log(`fast-check seed ${seed}`);
  fc.assert(fc.property(...args), { seed, numRuns });
}
