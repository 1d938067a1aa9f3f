import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { findMirror } from '../rootfs';
import { canonicalName, ImageCatalog } from './catalog';

describe('image names', () => {
  it.each([
    ['postgres:15', 'postgres:15'],
    ['docker.io/library/postgres:15@sha256:00ff', 'postgres:15'],
    ['library/postgres:15', 'postgres:15'],
    ['registry.example.com:5000/postgres:15', 'postgres:15'],
    ['localhost/postgres:15', 'postgres:15'],
    ['docker.io/restic/restic:0.18.0', 'restic/restic:0.18.0'],
    ['restic/restic@sha256:00ff', 'restic/restic:latest'],
    ['postgres', 'postgres:latest'],
  ])('%s is %s', (written, expected) => {
    expect(canonicalName(written)).toBe(expected);
  });

  it('knows only what was declared', () => {
    const catalog = new ImageCatalog().add({ name: 'docker.io/library/postgres:15', root: tmpdir() });
    expect(catalog.find('postgres:15@sha256:00ff')).toBeDefined();
    expect(catalog.find('postgres:16')).toBeUndefined();
    expect(catalog.find('other/postgres:15')).toBeUndefined();
    expect(() => catalog.add({ name: 'postgres:15', root: tmpdir() })).toThrow('declared twice');
    expect(() => catalog.add({ name: 'x:1', root: '/does/not/exist' })).toThrow('does not exist');
  });
});

describe('the mirror of the machine', () => {
  it.each([
    [
      'one-line sources',
      ['# deb http://old.example/debian x', 'deb [signed-by=/k] http://near.example/debian/ bookworm main'],
      'http://near.example/debian',
    ],
    ['deb822 sources', ['Types: deb', 'URIs: https://near.example/pub/debian', 'Suites: x'], 'https://near.example/pub/debian'],
    ['other archives only', ['URIs: http://near.example/debian-security', 'deb http://near.example/apt x main'], undefined],
  ])('is found in %s', (_, lines, expected) => {
    expect(findMirror(lines)).toBe(expected);
  });
});
