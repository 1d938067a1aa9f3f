import type { IConstruct } from 'constructs';

const WARNING = 'cdk8s-backup:warning';

/** Notes on a construct what its author should know, though it is no error. The app prints it at synthesis. */
export function warn(scope: IConstruct, text: string): void {
  scope.node.addMetadata(WARNING, text);
}

/** The notes on the constructs, one line each, sorted by construct path, without repetitions. */
export function warnings(constructs: IConstruct[]): string[] {
  const lines = constructs.flatMap(construct =>
    construct.node.metadata
      .filter(entry => entry.type === WARNING)
      .map(entry => ({ path: construct.node.path || '(app)', text: String(entry.data) })),
  );
  lines.sort((a, b) => compare(a.path, b.path) || compare(a.text, b.text));
  return [...new Set(lines.map(({ path, text }) => `warning: ${path}: ${text}`))];
}

/** By code unit, so that the order is the same whatever the locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
