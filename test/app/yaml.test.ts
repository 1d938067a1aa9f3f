import { Yaml } from 'cdk8s';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { yamlOf } from '../../lib/app/yaml';
import { property } from '../support/property';

/** Text that YAML has to take care of. */
const ODD = [
  ...['', '~', 'null', 'yes', 'NO', 'on', 'true', '1e3', '0x1F', '0o17', '1_000', '1:30', '2001-01-01', '.inf', '-0', '<<', '='],
  ...['e-1', 'e-12', 'e1-1', 'e-1-1', 'ee-1', 'y-1', 'on-1', 'o-17', 'x-1f', 'a-1e3'],
  ...['- a', '? b', '!x', '&a', '*b', '@x', '`y', 'key: value', 'x #y', '---', '...', 'a\n---\nb', '__proto__', 'a'.repeat(2000)],
];
const name = fc.string({ unit: fc.constantFrom('a', 'e', 'n', 'o', 'y', '0', '1', '-'), maxLength: 8 });
const lines = fc.string({ unit: fc.constantFrom('\n', ' ', 'a', '#', ':', '-', '\t', '"', "'", '1', '\r', '|', '>', '%', 'é') });
const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), lines, name, fc.constantFrom(...ODD));
const { map, list } = fc.letrec(tie => ({
  value: fc.oneof(text, fc.integer(), fc.double(), fc.constantFrom(null, true, false, -0), tie('map'), tie('list')),
  map: fc.dictionary(text, tie('value'), { maxKeys: 6 }),
  list: fc.array(tie('value'), { maxLength: 6 }),
}));

test('writes what the yaml library writes, byte for byte', () => {
  property(fc.oneof(map, list, text), value => {
    expect(yamlOf(value)).toBe(Yaml.stringify(value));
  });
});

test('writes words that look like something else as the yaml library does: as a value, in a list and as a key', () => {
  for (const odd of ODD) {
    for (const value of [{ a: odd }, [odd], { [odd]: 0 }, { a: [{ b: odd }] }]) expect(yamlOf(value)).toBe(Yaml.stringify(value));
  }
});

test.each([
  ['an object that occurs twice, of which YAML makes an anchor', () => [{ a: 1 }].flatMap(same => [same, same])],
  ['an empty list that occurs twice', () => [[]].flatMap(same => ({ a: same, b: same }))],
  ['an undefined', () => ({ a: undefined, b: [undefined] })],
  ['a date', () => ({ a: new Date(0) })],
  ['a Map and a Set', () => ({ a: new Map([['k', 'v']]), b: new Set([1]) })],
  ['what says itself how it is written', () => ({ a: { toJSON: () => 'written' } })],
  ['numbers of any size', () => [10n ** 20n, 1e21, Number.NaN, -0]],
])('leaves to the library %s', (_, make) => {
  expect(yamlOf(make())).toBe(Yaml.stringify(make()));
});
