import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ApiObject, App, type AppProps, Chart, JsonPatch, YamlOutputType } from 'cdk8s';
import { Construct, DependencyGroup, type IConstruct, Node } from 'constructs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BackupApp } from '../../lib/app/backup-app';
import { warn } from '../../lib/core/warning';
import { Random } from '../random';

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

/** Some charts, in each other and in plain constructs; objects in each and in each other; dependencies in all directions. */
function grow(app: App, seed: number, hooks: boolean): void {
  const random = new Random(seed);
  const constructs: Construct[] = [app];
  const size = 3 + random.below(16);
  for (let i = 0; i < size; i++) {
    const scope = random.pick(constructs);
    const inChart = scope.node.scopes.some(Chart.isChart);
    const id = random.pick([`${90 - i}`, `Id${i}`, `x/${i}`, `a-${i}`]);
    const shape = random.below(inChart ? 6 : 3);
    if (shape < 2) {
      constructs.push(
        hooks && random.chance(0.3) ? new HookedChart(scope, id) : new Chart(scope, id, { namespace: random.pick(['a', undefined]) }),
      );
    } else if (shape === 2) {
      constructs.push(new Construct(scope, id));
    } else {
      const object = configMap(scope, id);
      if (random.chance(0.2)) {
        object.addJsonPatch(JsonPatch.replace('/metadata/name', `patched-${i}`));
      }
      constructs.push(object);
    }
  }
  const within = constructs.filter(construct => construct.node.scopes.some(Chart.isChart));
  if (within.length > 1) {
    for (let i = random.below(7); i > 0; i--) {
      const [source, target, other] = [random.pick(within), random.pick(within), random.pick(within)];
      // Upwards in the order of making: most trees have no circle then, and some do by their nesting.
      const [late, early] = within.indexOf(source) > within.indexOf(target) || random.chance(0.1) ? [source, target] : [target, source];
      if (late !== early) {
        late.node.addDependency(other !== late && random.chance(0.2) ? new DependencyGroup(early, other) : early);
      }
    }
  }
}

interface Outcome {
  readonly error?: string;
  readonly files?: { [path: string]: string };
}

function outcome(make: (props: AppProps) => App, props: AppProps, run: (app: App) => void): Outcome {
  const outdir = mkdtempSync(join(work, 'out-'));
  const app = make({ ...props, outdir });
  try {
    run(app);
    return { files: filesBelow(outdir) };
  } catch (error) {
    return { error: String(error).replace(/detected: .*/s, 'detected') };
  }
}

describe('the same as App', () => {
  const seeds = Array.from({ length: 300 }, (_, i) => i);

  test.each(OUTPUT_TYPES)('writes the same bytes for random trees, output type %i', yamlOutputType => {
    let cycles = 0;
    for (const seed of seeds) {
      const hooks = yamlOutputType !== YamlOutputType.FOLDER_PER_CHART_FILE_PER_RESOURCE && seed % 2 === 0;
      const props = { yamlOutputType, recordConstructMetadata: seed % 3 === 0, outputFileExtension: seed % 5 === 0 ? '.yaml' : undefined };
      const run = (app: App) => {
        grow(app, seed, hooks);
        app.synth();
      };
      const expected = outcome(p => new App(p), props, run);
      expect(
        outcome(p => new BackupApp(p), props, run),
        `seed ${seed}`,
      ).toEqual(expected);
      cycles += expected.error ? 1 : 0;
    }
    // Otherwise the trees would say little about the one or the other.
    expect(cycles).toBeGreaterThan(20);
    expect(cycles).toBeLessThan(150);
  });

  test('gives the same string for random trees', () => {
    for (const seed of seeds) {
      const render = (app: App) => {
        grow(app, seed, seed % 2 === 0);
        try {
          return app.synthYaml();
        } catch (error) {
          return String(error).replace(/detected: .*/s, 'detected');
        }
      };
      expect(render(new BackupApp()), `seed ${seed}`).toBe(render(new App()));
    }
  });

  test('lists charts in the order of the files', () => {
    for (const seed of seeds) {
      const [stock, ours] = [new App({ outdir: mkdtempSync(join(work, 'out-')) }), new BackupApp()];
      grow(stock, seed, false);
      grow(ours, seed, false);
      try {
        stock.synth();
      } catch {
        continue;
      }
      expect(ours.charts.map(chart => chart.node.path)).toEqual(stock.charts.map(chart => chart.node.path));
    }
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
      'nothing was written, as these would replace each other:',
      "  one/a, two/b: all make ConfigMap 'settings' in namespace 'shop'; give each a name of its own",
      "  one/c, two/d: all make CronJob.batch 'nightly' in namespace 'shop'; give each a name of its own",
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
