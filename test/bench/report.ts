import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/** The machine that figures were measured on, in a few words. */
export function machine(): string {
  const model = /^model name\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown processor';
  return `${cpus().length} processors (${model}), ${Math.round(totalmem() / 2 ** 30)} GiB`;
}

/** A table in plain text: the first column to the left, the others to the right. */
export function textTable(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map(row => row[column]?.length ?? 0)));
  const line = (row: string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ');
  return `${[head, ...rows].map(row => line(row).trimEnd()).join('\n')}\n`;
}
