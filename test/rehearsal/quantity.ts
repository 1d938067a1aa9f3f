const SUFFIXES: Record<string, number> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** The number a Kubernetes quantity stands for (Kubernetes docs: "Quantity"): `500m` is 0.5, `40Mi` is 41943040. */
export function quantity(value: string | number): number {
  const match = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)$/.exec(String(value));
  const factor = match ? SUFFIXES[match[2] ?? ''] : undefined;
  const number = Number(match?.[1]);
  if (factor === undefined || Number.isNaN(number)) throw new Error(`${JSON.stringify(value)} is not a Kubernetes quantity`);
  return number * factor;
}
