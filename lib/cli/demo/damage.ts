import { type Machine, must } from './machine';

/** Flips one bit in the middle of the stored dump, as a disk does without an error. @returns a function that flips it back */
export async function damage(machine: Machine, series: string): Promise<() => Promise<void>> {
  const listed = await must(machine, 'sh', ['-c', 'ls "$1"/[0-9]*/orders.dump*', 'sh', series]);
  const [file = ''] = listed.toString().split('\n');
  const flip = async () => {
    const bytes = await must(machine, 'cat', [file]);
    const middle = bytes.length >> 1;
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
    await must(machine, 'sh', ['-c', 'cat >"$1"', 'sh', file], {}, bytes);
  };
  await flip();
  return flip;
}
