import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ApiObject, App, type AppProps, Chart, JsonPatch, Lazy, YamlOutputType } from 'cdk8s';
import { Construct, DependencyGroup, type IConstruct, Node } from 'constructs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BackupApp } from '../../lib/app/backup-app';
import { warn } from '../../lib/core/warning';
import { property } from '../support/property';

const OUTPUT_TYPES = [
  YamlOutputType.FILE_PER_APP,
  YamlOutputType.FILE_PER_CHART,
  YamlOutputType.FILE_PER_RESOURCE,
  YamlOutputType.FOLDER_PER_CHART_FILE_PER_RESOURCE,
];

let work: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'backup-app-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(work, { recursive: true });
});

function filesBelow(folder: string): { [path: string]: string } {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    paths
      .map(path => join(folder, path))
      .filter(path => statSync(path).isFile())
      .map(path => [relative(folder, path), readFileSync(path, 'utf8')]),
  );
}

function configMap(scope: Construct, id: string, name?: string, namespace?: string): ApiObject {
  return new ApiObject(scope, id, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...(name && { name }), ...(namespace && { namespace }) },
    data: { id },
  });
}

class HookedChart extends Chart {
  public override toJson() {
    return [...super.toJson(), { apiVersion: 'v1', kind: 'Hook', metadata: { name: this.node.addr } }];
  }
}

/** How a tree grows: what is made, in what of that which was made before; and what of it depends on what. */
interface Recipe {
  readonly parts: { readonly shape: Shape; readonly scope: number; readonly id: (position: number) => string; readonly twist: boolean }[];
  readonly dependencies: { readonly from: number; readonly on: number[]; readonly upwards: boolean }[];
}

type Shape = 'chart' | 'chart in a namespace' | 'construct' | 'object';

const recipe: fc.Arbitrary<Recipe> = fc.record({
  parts: fc.array(
    fc.record({
      shape: fc.constantFrom<Shape>('chart', 'chart in a namespace', 'construct', 'object', 'object', 'object'),
      scope: fc.nat(20),
      // Numbers come first in JavaScript's order of properties, which cdk8s relies on.
      id: fc.constantFrom(
        (i: number) => String(90 - i),
        (i: number) => `Id${i}`,
        (i: number) => `x/${i}`,
      ),
      twist: fc.boolean(),
    }),
    { minLength: 3, maxLength: 18 },
  ),
  dependencies: fc.array(
    fc.record({
      from: fc.nat(20),
      on: fc.array(fc.nat(20), { minLength: 1, maxLength: 2 }),
      upwards: fc.integer({ min: 0, max: 9 }).map(n => n > 0),
    }),
    { maxLength: 6 },
  ),
});

/** Some charts, in each other and in plain constructs; objects in each and in each other; dependencies in all directions. */
function grow(app: App, { parts, dependencies }: Recipe, hooks = false): void {
  const constructs: Construct[] = [app];
  parts.forEach(({ shape, scope: place, id: idOf, twist }, i) => {
    const scope = constructs[place % constructs.length] as Construct;
    const inChart = scope.node.scopes.some(Chart.isChart);
    const id = idOf(i);
    if (shape === 'construct') {
      constructs.push(new Construct(scope, id));
    } else if (shape === 'object' && inChart) {
      const object = configMap(scope, id);
      if (twist && place % 3 === 0) {
        object.addJsonPatch(JsonPatch.replace('/metadata/name', `patched-${i}`));
      }
      constructs.push(object);
    } else {
      const namespace = shape === 'chart in a namespace' ? 'a' : undefined;
      constructs.push(hooks && twist ? new HookedChart(scope, id) : new Chart(scope, id, { namespace }));
    }
  });
  const within = constructs.filter(construct => construct.node.scopes.some(Chart.isChart));
  if (within.length < 2) return;
  for (const { from, on, upwards } of dependencies) {
    const [source = 0, ...targets] = [from, ...on].map(position => position % within.length);
    // Upwards in the order of making: most trees have no circle then, and some do by their nesting.
    const [late, early] = upwards && source < (targets[0] ?? 0) ? [targets[0] ?? 0, source] : [source, targets[0] ?? 0];
    const [one, other] = [within[early], within[targets[1] ?? early]] as [Construct, Construct];
    if (late !== early) {
      within[late]?.node.addDependency(other !== one && other !== within[late] ? new DependencyGroup(one, other) : one);
    }
  }
}

interface Outcome {
  readonly error?: string;
  readonly files?: { [path: string]: string };
}

/** The circle that `App` names need not be one. */
function withoutPath(error: unknown): string {
  return String(error).replace(/detected: .*/s, 'detected');
}

function outcome(make: (props: AppProps) => App, props: AppProps, run: (app: App) => void): Outcome {
  const outdir = mkdtempSync(join(work, 'out-'));
  const app = make({ ...props, outdir });
  try {
    run(app);
    const { 'PREREQUISITES.md': _, ...files } = filesBelow(outdir);
    return { files };
  } catch (error) {
    return { error: withoutPath(error) };
  }
}

describe('the same as App', () => {
  test.each(OUTPUT_TYPES)('writes the same bytes for random trees, output type %i', yamlOutputType => {
    let trees = 0;
    let cycles = 0;
    const settings = fc.record({ recordConstructMetadata: fc.boolean(), outputFileExtension: fc.constantFrom('.yaml', undefined) });
    property(recipe, settings, fc.boolean(), (tree, props, hooked) => {
      const run = (app: App) => {
        // `App` does not call hooks in this type.
        grow(app, tree, hooked && yamlOutputType !== YamlOutputType.FOLDER_PER_CHART_FILE_PER_RESOURCE);
        app.synth();
      };
      const expected = outcome(p => new App(p), { ...props, yamlOutputType }, run);
      expect(outcome(p => new BackupApp(p), { ...props, yamlOutputType }, run)).toEqual(expected);
      trees += 1;
      cycles += expected.error ? 1 : 0;
    });
    // Otherwise the trees would say little about the one or the other.
    expect(cycles).toBeGreaterThan(5);
    expect(cycles).toBeLessThan((2 * trees) / 3);
  });

  test('gives the same string for random trees', () => {
    property(recipe, fc.boolean(), (tree, hooked) => {
      const render = (app: App) => {
        grow(app, tree, hooked);
        try {
          return app.synthYaml();
        } catch (error) {
          return withoutPath(error);
        }
      };
      expect(render(new BackupApp())).toBe(render(new App()));
    });
  });

  test('lists charts in the order of the files', () => {
    property(recipe, tree => {
      const [stock, ours] = [new App({ outdir: mkdtempSync(join(work, 'out-')) }), new BackupApp()];
      grow(stock, tree);
      grow(ours, tree);
      try {
        stock.synth();
      } catch {
        return;
      }
      expect(ours.charts.map(chart => chart.node.path)).toEqual(stock.charts.map(chart => chart.node.path));
    });
  });

  test('writes nothing but the directory for an app without charts', () => {
    for (const yamlOutputType of OUTPUT_TYPES) {
      const outdir = join(work, String(yamlOutputType));
      new BackupApp({ outdir, yamlOutputType }).synth();
      expect(readdirSync(outdir)).toEqual([]);
    }
  });

  test('takes the request for construct metadata from the environment', () => {
    vi.stubEnv('CDK8S_RECORD_CONSTRUCT_METADATA', 'true');
    try {
      const app = new BackupApp({ outdir: work });
      configMap(new Chart(app, 'shop'), 'settings', 'settings');
      app.synth();
      expect(JSON.parse(readFileSync(join(work, 'construct-metadata.json'), 'utf8'))).toEqual({
        version: '1.0.0',
        resources: { settings: { path: 'shop/settings' } },
      });
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe('construct metadata', () => {
  test('tells of all objects that share a name', () => {
    const app = new BackupApp({ outdir: work, recordConstructMetadata: true });
    configMap(new Chart(app, 'one', { namespace: 'one' }), 'a', 'settings');
    configMap(new Chart(app, 'two', { namespace: 'two' }), 'b', 'settings');
    app.synth();
    const { resources } = JSON.parse(readFileSync(join(work, 'construct-metadata.json'), 'utf8'));
    expect(resources).toEqual({ settings: { path: 'one/a, two/b' } });
  });
});

describe('linear', () => {
  test('calls each validator once, and looks at each construct a few times', () => {
    const app = new BackupApp({ outdir: work });
    let calls = 0;
    let constructs = 1;
    for (let i = 0; i < 400; i++) {
      const chart = new Chart(app, `chart-${i}`);
      for (const object of ['a', 'b', 'c']) {
        configMap(chart, object).node.addValidation({
          validate: () => {
            calls++;
            return [];
          },
        });
      }
      constructs += 4;
    }
    const visits = vi.spyOn(Node.prototype, 'children', 'get');
    app.synth();
    expect(calls).toBe(1200);
    expect(visits.mock.calls.length).toBeLessThan(5 * constructs);
    expect(readdirSync(work)).toHaveLength(400);
  });

  test('forty waves of four objects, each on all of the wave before', { timeout: 5_000 }, () => {
    const app = new BackupApp({ outdir: work });
    const chart = new Chart(app, 'recovery');
    let wave: IConstruct[] = [];
    for (let i = 0; i < 40; i++) {
      const next = ['a', 'b', 'c', 'd'].map(id => configMap(chart, `${i}-${id}`, `${i}-${id}`));
      for (const object of next) {
        object.node.addDependency(...wave);
      }
      wave = next;
    }
    app.synth();
    const names = [...readFileSync(join(work, 'recovery.k8s.yaml'), 'utf8').matchAll(/name: (\d+)-/g)].map(match => Number(match[1]));
    expect(names).toEqual([...names].sort((a, b) => a - b));
    expect(names).toHaveLength(160);
  });

  test('a chain of forty charts with four objects each', { timeout: 5_000 }, () => {
    const app = new BackupApp({ outdir: work });
    let previous: Chart | undefined;
    for (let i = 0; i < 40; i++) {
      const chart = new Chart(app, `chart-${i}`);
      for (const id of ['a', 'b', 'c', 'd']) {
        configMap(chart, id);
      }
      if (previous) {
        previous.addDependency(chart);
      }
      previous = chart;
    }
    app.synth();
    expect(readdirSync(work).sort()[0]).toBe('0000-chart-39.k8s.yaml');
  });
});

describe('hooks', () => {
  test.each(OUTPUT_TYPES)('a chart that renders itself does so in output type %i', yamlOutputType => {
    const app = new BackupApp({ outdir: work, yamlOutputType });
    configMap(new HookedChart(app, 'hooked'), 'settings');
    app.synth();
    expect(Object.values(filesBelow(work)).join('')).toContain('kind: Hook');
  });
});

describe('errors', () => {
  function failure(app: BackupApp): string {
    try {
      app.synth();
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('synth did not fail');
  }

  function newApp(props: AppProps = {}): BackupApp {
    return new BackupApp({ outdir: join(work, 'dist'), ...props });
  }

  afterEach(() => {
    expect(existsSync(join(work, 'dist')), 'something was written').toBe(false);
  });

  test('validations, with the path of each', () => {
    const app = newApp();
    const chart = new Chart(app, 'shop');
    configMap(chart, 'a').node.addValidation({ validate: () => ['one', 'two'] });
    configMap(chart, 'b').node.addValidation({ validate: () => ['three'] });
    const expected = 'Validation failed with the following errors:\n  [shop/a] one\n  [shop/a] two\n  [shop/b] three';
    expect(failure(app)).toBe(expected);
    expect(() => app.synthYaml()).toThrow(expected);
  });

  test('the true circle', () => {
    const app = newApp();
    const chart = new Chart(app, 'shop');
    const [entry, a, b, c, leaf] = ['entry', 'a', 'b', 'c', 'leaf'].map(id => configMap(chart, id)) as [
      ApiObject,
      ApiObject,
      ApiObject,
      ApiObject,
      ApiObject,
    ];
    entry.addDependency(a);
    a.addDependency(b, leaf);
    b.addDependency(c, leaf);
    c.addDependency(a, leaf);
    expect(failure(app)).toBe('Dependency cycle detected: shop/a => shop/b => shop/c => shop/a');
  });

  test('a construct that depends on itself', () => {
    const app = newApp();
    const object = configMap(new Chart(app, 'shop'), 'a');
    object.addDependency(object);
    expect(failure(app)).toBe('Dependency cycle detected: shop/a => shop/a');
  });

  test('objects that are one to the API server, all of them', () => {
    const app = newApp();
    const [one, two] = [new Chart(app, 'one', { namespace: 'shop' }), new Chart(app, 'two', { namespace: 'shop' })];
    configMap(one, 'a', 'settings');
    configMap(two, 'b', 'settings');
    configMap(two, 'elsewhere', 'settings', 'other');
    new ApiObject(one, 'c', { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'nightly' } });
    new ApiObject(two, 'd', { apiVersion: 'batch/v1beta1', kind: 'CronJob', metadata: { name: 'nightly' } });
    new ApiObject(two, 'e', { apiVersion: 'example.org/v1', kind: 'CronJob', metadata: { name: 'nightly' } });
    const expected = [
      'nothing was written, because these objects would replace each other:',
      "  one/a, two/b: all make ConfigMap 'settings' in namespace 'shop'; give each its own name",
      "  one/c, two/d: all make CronJob.batch 'nightly' in namespace 'shop'; give each its own name",
    ].join('\n');
    expect(failure(app)).toBe(expected);
    expect(() => app.synthYaml()).toThrow(expected);
  });

  test('an object that a hook makes, and another chart too', () => {
    class Twice extends Chart {
      public override toJson() {
        return [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' } }];
      }
    }
    const app = newApp();
    new Twice(app, 'hooked');
    configMap(new Chart(app, 'shop'), 'a', 'settings');
    expect(failure(app)).toContain("hooked, shop/a: all make ConfigMap 'settings'; ");
  });

  test('objects whose files have one name', () => {
    const app = newApp({ yamlOutputType: YamlOutputType.FILE_PER_RESOURCE });
    const chart = new Chart(app, 'shop');
    configMap(chart, 'a', 'settings', 'one');
    configMap(chart, 'b', 'settings', 'two');
    expect(failure(app)).toContain("shop/a, shop/b: all write the file 'ConfigMap.settings.k8s.yaml'; ");
  });

  test('charts whose files have one name', () => {
    const app = newApp();
    const nested = new Chart(new Construct(app, 'a'), 'b');
    configMap(nested, 'x');
    configMap(new Chart(app, `a-b-${nested.node.addr.slice(0, 8)}`), 'y');
    expect(failure(app)).toContain(`all write the file 'a-b-${nested.node.addr.slice(0, 8)}.k8s.yaml'; `);
  });
});

describe('half way', () => {
  test('what fails in the last chart leaves the directory as it was, and nothing beside it', () => {
    writeFileSync(join(work, 'one.k8s.yaml'), 'as it was');
    const app = new BackupApp({ outdir: work });
    configMap(new Chart(app, 'one'), 'a');
    new ApiObject(new Chart(app, 'two'), 'b', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      data: Lazy.any({
        produce: () => {
          throw new Error('no data');
        },
      }),
    });
    expect(() => app.synth()).toThrow('no data');
    expect(filesBelow(work)).toEqual({ 'one.k8s.yaml': 'as it was' });
    expect(readdirSync(work)).toEqual(['one.k8s.yaml']);
  });

  test('so does a file that cannot be written whole', () => {
    const program = join(work, 'app.ts');
    const large =
      "new ApiObject(new Chart(app, 'two'), 'large', { apiVersion: 'v1', kind: 'ConfigMap', data: { large: 'x'.repeat(1e6) } });";
    writeFileSync(
      program,
      `import { ApiObject, Chart } from 'cdk8s';
       import { BackupApp } from '${join(__dirname, '../../lib/app/backup-app')}';
       const app = new BackupApp({ outdir: '${join(work, 'dist')}' });
       new ApiObject(new Chart(app, 'one'), 'a', { apiVersion: 'v1', kind: 'ConfigMap' });
       ${large}
       app.synth();`,
    );
    mkdirSync(join(work, 'dist'));
    writeFileSync(join(work, 'dist', 'one.k8s.yaml'), 'as it was');
    symlinkSync(join(__dirname, '../../node_modules'), join(work, 'node_modules'));
    const run = spawnSync('bash', ['-c', `trap '' XFSZ; ulimit -f 500; exec "$0" --import tsx ${program}`, process.execPath], {
      encoding: 'utf8',
      cwd: join(__dirname, '../..'),
    });
    expect(run.stderr).toContain('EFBIG');
    expect(run.status).toBe(1);
    expect(filesBelow(join(work, 'dist'))).toEqual({ 'one.k8s.yaml': 'as it was' });
  });
});

describe('warnings', () => {
  test('go to stderr, sorted by path, each once', () => {
    const written: string[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation(text => written.push(String(text)) > 0);
    const app = new BackupApp({ outdir: work });
    const chart = new Chart(app, 'shop');
    const [b, a] = [configMap(chart, 'b'), configMap(chart, 'a')];
    warn(b, 'second');
    warn(b, 'first');
    warn(a, 'of a');
    warn(a, 'of a');
    warn(app, 'of the app');
    app.synth();
    expect(written).toEqual([
      'warning: (app): of the app\n',
      'warning: shop/a: of a\n',
      'warning: shop/b: first\n',
      'warning: shop/b: second\n',
    ]);
  });

  test('are nothing that fails, or is written', () => {
    const app = new BackupApp();
    const object = configMap(new Chart(app, 'shop'), 'a');
    warn(object, 'mind this');
    expect(app.synthYaml()).not.toContain('mind this');
  });
});
