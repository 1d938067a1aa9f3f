import { App, Chart, Testing } from 'cdk8s';
import { Construct } from 'constructs';
import { describe, expect, test } from 'vitest';
import { BackupApp, MariadbVersion, SecretRef } from '../../lib';
import { belowFloor, ImageCatalog, ImageReference } from '../../lib/core/image-catalog';
import { warnings } from '../../lib/core/warning';
import { VeleroProtection, VeleroVolume } from '../../lib/velero';
import { type IQuiesce, Quiesce } from '../../lib/volumes';
import { ToyEngine } from '../engines/toy/toy';
import { backup, restic } from '../support/synth';
import { server } from '../velero/workloads';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

function construct(chart = new Chart(new App(), 'shop')): Construct {
  return new Construct(chart, 'orders');
}

describe('image references', () => {
  test.each([
    ['postgres:16.15-bookworm', '16.15-bookworm'],
    [`postgres:16.15-bookworm@${DIGEST}`, '16.15-bookworm'],
    [`postgres@${DIGEST}`, undefined],
    [`postgres:latest@${DIGEST}`, 'latest'],
    ['registry.example/team/data_base/postgres:16', '16'],
    ['localhost:5000/postgres:16', '16'],
    ['registry:5000/a/b__c/d--e:v1.2_3', 'v1.2_3'],
    ['Registry.Example:5000/postgres:16', '16'],
    ['ghcr.io/a/b:1', '1'],
  ])('accepts %s', (reference, tag) => {
    const image = ImageReference.of(reference);
    expect(image.bind(construct(), 'image')).toBe(reference);
    expect(image.tag).toBe(tag);
  });

  test.each(['postgres', 'registry.example:5000/postgres', 'postgres:latest', 'localhost/postgres'])('asks %s for a version', reference => {
    expect(() => ImageReference.of(reference).bind(construct(), 'engine.image')).toThrow(
      `shop/orders: engine.image is "${reference}": pin a version: a tag such as ':16.15-bookworm', or a digest '@sha256:...'`,
    );
  });

  test.each([
    '',
    ' postgres:16',
    'postgres:16 ',
    'Postgres:16',
    'postgres:',
    'postgres:16:17',
    'postgres@sha256:abc',
    `postgres@md5:${'0'.repeat(64)}`,
    'https://registry.example/postgres:16',
    'registry.example//postgres:16',
    '/postgres:16',
    'post gres:16',
    `postgres:${'a'.repeat(129)}`,
    'postgres:16\n',
    'postgres-:16',
    'post___gres:16',
  ])('refuses %j', reference => {
    expect(() => ImageReference.of(reference).bind(construct(), 'image')).toThrow(
      `shop/orders: image is ${JSON.stringify(reference)}: write [registry/]repository:tag[@digest], such as 'postgres:16.15-bookworm'`,
    );
  });
});

describe('the catalog', () => {
  const REQUEST = { key: 'postgres:16', prop: 'engine.image', defaultImage: 'postgres:16.15-bookworm' };
  const choose = (scope: Construct, image?: string) => ImageCatalog.of(scope).image(scope, { ...REQUEST, image });

  test('gives the default, and the image of the construct before all others', () => {
    expect(choose(construct())).toBe('postgres:16.15-bookworm');
    const app = new App();
    ImageCatalog.override(app, { 'postgres:16': 'registry.example/postgres:16.15' });
    expect(choose(construct(new Chart(app, 'shop')), 'own.example/postgres:16.16')).toBe('own.example/postgres:16.16');
  });

  test('the nearest override wins, key by key', () => {
    const app = new App();
    ImageCatalog.override(app, { 'postgres:16': 'a.example/postgres:16.15', 'mysql:8.4': 'a.example/mysql:8.4.6' });
    ImageCatalog.override(app, { 'postgres:17': 'a.example/postgres:17.11' });
    const [near, far] = [new Chart(app, 'near'), new Chart(app, 'far')];
    ImageCatalog.override(near, { 'postgres:16': 'b.example/postgres:16.15' });
    const image = (chart: Chart, key: string) => {
      const scope = construct(new Chart(chart, key));
      return ImageCatalog.of(scope).image(scope, { ...REQUEST, key });
    };
    expect(image(near, 'postgres:16')).toBe('b.example/postgres:16.15');
    expect(image(far, 'postgres:16')).toBe('a.example/postgres:16.15');
    expect(image(near, 'mysql:8.4')).toBe('a.example/mysql:8.4.6');
    expect(image(near, 'postgres:17')).toBe('a.example/postgres:17.11');
    expect(image(near, 'postgres:18')).toBe(REQUEST.defaultImage);
  });

  test('checks overrides where they are made', () => {
    const app = new App();
    expect(() => ImageCatalog.override(app, { postgres: 'postgres:16.15' })).toThrow(
      `(app): images is "postgres": a key is '<engine>:<major version>', such as 'postgres:16'`,
    );
    expect(() => ImageCatalog.override(app, { 'postgres:16': 'postgres' })).toThrow(
      `(app): images['postgres:16'] is "postgres": pin a version`,
    );
    new Chart(app, 'shop');
    expect(() => ImageCatalog.override(app, { 'postgres:16': 'postgres:16.15' })).toThrow(
      'override images before you create the first child',
    );
  });

  test.each([
    ['postgres:16.15', 'registry.example/proxy/postgres:16.15'],
    ['mirror/a:1', 'registry.example/proxy/mirror/a:1'],
    ['quay.io/coreos/etcd:v3.5.17', 'registry.example/proxy/coreos/etcd:v3.5.17'],
    ['localhost:5000/a:1', 'registry.example/proxy/a:1'],
    [`quay.io/a@${DIGEST}`, `registry.example/proxy/a@${DIGEST}`],
    ['registry.example/proxy/own:1', 'registry.example/proxy/own:1'],
    ['my.image:1.0', 'registry.example/proxy/my.image:1.0'],
  ])('a mirror has %s as %s', (image, there) => {
    const app = new App();
    ImageCatalog.mirror(app, 'registry.example/proxy');
    expect(choose(construct(new Chart(app, 'shop')), image)).toBe(there);
  });

  test('the nearest mirror has what an override names farther away', () => {
    const app = new App();
    ImageCatalog.mirror(app, 'a.example/x');
    ImageCatalog.override(app, { 'postgres:16': 'quay.io/team/postgres:16.15' });
    const chart = new Chart(app, 'shop');
    ImageCatalog.mirror(chart, 'b.example/y');
    expect(choose(construct(chart))).toBe('b.example/y/team/postgres:16.15');
  });

  test('a mirror has every image of every job, tools and overrides included', () => {
    const app = new BackupApp({ outdir: 'not-written' });
    ImageCatalog.mirror(app, 'registry.example:5000');
    ImageCatalog.override(app, { 'postgres:16': 'postgres:16.15' });
    const orders = backup(new Chart(app, 'shop', { namespace: 'shop' }), { repository: restic });
    orders.addVerification();
    orders.addRestore();
    const images = [...new Set(Testing.synth(Chart.of(orders)).flatMap(object => JSON.stringify(object).match(/"image":"[^"]+/g) ?? []))];
    expect(images.length).toBeGreaterThan(1);
    for (const image of images) expect(image).toMatch(/^"image":"registry\.example:5000\/[a-z]/);
  });

  test('a mirror has the images of what a team has written itself', () => {
    const app = new App();
    ImageCatalog.mirror(app, 'registry.example');
    const chart = new Chart(app, 'shop', { namespace: 'shop' });
    const database = server(chart);
    const preset = Quiesce.mariadb({ version: MariadbVersion.V10_11, credentials: SecretRef.named('quiesce') });
    // Neither asks the catalog.
    const quiesce: IQuiesce = { bind: (scope, options) => ({ ...preset.bind(scope, options), image: 'own-client:1' }) };
    const restoreInit = { image: 'busybox:1.37.0', command: ['true'] };
    VeleroProtection.of(database, { quiesce, volumes: [VeleroVolume.snapshot('data')], restoreInit });
    backup(chart, { engine: new ToyEngine() });
    const all = JSON.stringify(Testing.synth(chart));
    for (const image of ['busybox:1.37', 'own-client:1', 'busybox:1.37.0']) {
      expect(all).toContain(`"registry.example/${image}"`);
      expect(all).not.toContain(`"${image}"`);
    }
  });

  test.each(['', 'registry', 'registry.example/', 'registry.example/a:1', 'https://registry.example'])('%j is no mirror', registry => {
    expect(() => ImageCatalog.mirror(new App(), registry)).toThrow(
      `(app): registry is ${JSON.stringify(registry)}: write a registry, and a path in it if there is one, for example 'registry.acme.example/proxy'`,
    );
  });

  test('a mirror is named before the first child is made', () => {
    const app = new App();
    new Chart(app, 'shop');
    expect(() => ImageCatalog.mirror(app, 'registry.example')).toThrow('name the mirror before you create the first child');
  });

  test('checks the image of the construct', () => {
    expect(() => choose(construct(), 'postgres')).toThrow('shop/orders: engine.image is "postgres": pin a version');
  });

  test('warns below a floor', () => {
    const scope = construct();
    ImageCatalog.of(scope).image(scope, { ...REQUEST, image: 'postgres:15.18-bookworm', floors: ['15.19', '16.15'] });
    ImageCatalog.of(scope).image(scope, { ...REQUEST, floors: ['15.19', '16.15'] });
    expect(warnings([scope])).toEqual([
      "warning: shop/orders: engine.image is 'postgres:15.18-bookworm': releases before 15.19 have known security holes: use 15.19 or newer",
    ]);
  });
});

describe('belowFloor', () => {
  const POSTGRES = ['14.24', '15.19', '16.15', '17.11', '18.6'];

  test.each([
    ['15.18-bookworm', '15.19'],
    ['15.19-bookworm', undefined],
    ['15.20', undefined],
    ['15.9', '15.19'],
    ['15', undefined],
    ['15-bookworm', undefined],
    ['13.4', undefined],
    ['19.0', undefined],
    ['18.1.2', '18.6'],
    ['v14.1', '14.24'],
    ['bookworm', undefined],
    ['', undefined],
  ])('%s', (tag, floor) => {
    expect(belowFloor(tag, POSTGRES)).toBe(floor);
  });

  test.each([
    ['8.4.5', '8.4.6'],
    ['8.4.6-oracle', undefined],
    ['8.4', undefined],
    ['8.0.41', '8.0.43'],
    ['9.1.0', undefined],
  ])('series of two numbers: %s', (tag, floor) => {
    expect(belowFloor(tag, ['8.0.43', '8.4.6'])).toBe(floor);
  });
});

test('an override of what nobody asks for is warned of, with what is asked for', () => {
  const app = new App();
  ImageCatalog.override(app, { 'postgres:16': 'registry.example/postgres:16.15', 'postgresql:17': 'registry.example/postgres:17.11' });
  const made = new Construct(app, 'made');
  ImageCatalog.of(made).image(made, { key: 'postgres:16', prop: 'image', defaultImage: 'postgres:16.15' });
  app.node.validate();
  expect(warnings([app])).toEqual(["warning: (app): images['postgresql:17'] overrides nothing: the images in use are postgres:16"]);
});
