import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ApiObject, App, type AppProps, Chart, Names, Yaml, YamlOutputType } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { warnings } from '../core/warning';
import { type Document, type File, type Manifest, sameFiles, sameObjects } from './collisions';
import { type Topology, topologyOf } from './topology';

/**
 * An app whose synthesis takes time linear in its size, and that checks before it writes.
 *
 * It writes what `App` writes, byte for byte, in every output type. What differs:
 *
 * - Dependencies are resolved and validations called once, where `App` does both anew for each chart, and in time exponential in
 *   the depth of dependencies.
 * - Objects that would replace each other in the cluster, and files that would overwrite each other, are errors.
 * - Nothing is written when anything fails, not even the output directory.
 * - What constructs warn about goes to stderr, a line each: `warning: <path>: <text>`.
 * - A chart's own `toJson` counts in every output type; `App` passes it over in FOLDER_PER_CHART_FILE_PER_RESOURCE. A chart that
 *   calls `super.toJson()` in it pays what it costs in `App`.
 */
export class BackupApp extends App {
  private readonly writesConstructMetadata: boolean;

  /**
   * @param props as for `App`
   */
  constructor(props: AppProps = {}) {
    super(props);
    this.writesConstructMetadata = props.recordConstructMetadata ?? process.env.CDK8S_RECORD_CONSTRUCT_METADATA === 'true';
  }

  /** All charts, in the order in which they are written. */
  public override get charts(): Chart[] {
    return topologyOf(this.node.findAll()).charts;
  }

  /**
   * Writes the manifests to the output directory.
   *
   * @throws Error when a validation fails, dependencies go round in a circle, or objects or files collide; then nothing is written
   */
  public override synth(): void {
    const constructs = this.node.findAll();
    validate(constructs);
    const topology = topologyOf(constructs);
    const rendered = topology.charts.map(chart => ({ chart, documents: render(chart, topology) }));
    const files = this.layOut(rendered, topology);
    refuseCollisions([...sameObjects(rendered.flatMap(({ documents }) => documents)), ...sameFiles(files)]);
    const contents = files.map(file => Yaml.stringify(...file.documents.map(({ manifest }) => manifest)));

    for (const line of warnings(constructs)) {
      process.stderr.write(`${line}\n`);
    }
    mkdirSync(this.outdir, { recursive: true });
    files.forEach((file, i) => {
      const path = join(this.outdir, file.path);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, contents[i] ?? '');
    });
    if (this.writesConstructMetadata) {
      this.writeMetadata(topology);
    }
  }

  /**
   * All manifests in one string.
   *
   * @throws Error as `synth` does
   */
  public override synthYaml(): string {
    const constructs = this.node.findAll();
    validate(constructs);
    const topology = topologyOf(constructs);
    const documents = topology.charts.flatMap(chart => render(chart, topology));
    refuseCollisions(sameObjects(documents));
    return Yaml.stringify(...documents.map(({ manifest }) => manifest));
  }

  private layOut(rendered: RenderedChart[], topology: Topology): File[] {
    const chartName = (chart: Chart, position: number) =>
      `${topology.ordered ? `${String(position).padStart(4, '0')}-` : ''}${Names.toDnsLabel(chart)}`;
    const filePerObject = (documents: RenderedDocument[], folder: string) =>
      documents
        .filter(({ manifest }) => manifest !== undefined)
        .map(document => ({ path: join(folder, this.fileName(document, folder !== '')), from: document.from, documents: [document] }));

    switch (this.yamlOutputType) {
      case YamlOutputType.FILE_PER_APP: {
        const documents = rendered.flatMap(chart => chart.documents);
        return rendered.length ? [{ path: `app${this.outputFileExtension}`, from: '(app)', documents }] : [];
      }
      case YamlOutputType.FILE_PER_RESOURCE:
        return rendered.flatMap(({ documents }) => filePerObject(documents, ''));
      case YamlOutputType.FOLDER_PER_CHART_FILE_PER_RESOURCE:
        return rendered.flatMap(({ chart, documents }, i) => filePerObject(documents, chartName(chart, i)));
      default:
        return rendered.map(({ chart, documents }, i) => ({
          path: `${chartName(chart, i)}${this.outputFileExtension}`,
          from: chart.node.path,
          documents,
        }));
    }
  }

  /** `App` names a file in a folder after the construct, and one without a folder after the manifest; a patch may tell them apart. */
  private fileName({ object, manifest }: RenderedDocument, inFolder: boolean): string {
    const { kind, metadata } = inFolder && object ? object : (manifest ?? {});
    return `${`${kind}.${metadata?.name}`.replace(/[^0-9a-zA-Z-_.]/g, '')}${this.outputFileExtension}`;
  }

  /** For the validation plugins of cdk8s-cli, which find the construct of an object by it. */
  private writeMetadata(topology: Topology): void {
    const objects = topology.charts.flatMap(chart => topology.objectsOf(chart));
    const resources = Object.fromEntries(objects.map(({ name, node }) => [name, { path: node.path }]));
    writeFileSync(join(this.outdir, 'construct-metadata.json'), JSON.stringify({ version: '1.0.0', resources }));
  }
}

interface RenderedDocument extends Document {
  /** What it was rendered from, unless its chart rendered itself. */
  readonly object?: ApiObject;
}

interface RenderedChart {
  readonly chart: Chart;
  readonly documents: RenderedDocument[];
}

/** A chart that overrides `toJson` hooks into synthesis (cdk8s documentation, "Chart"); of others the objects are enough. */
function render(chart: Chart, topology: Topology): RenderedDocument[] {
  if (chart.toJson !== Chart.prototype.toJson) {
    return Object.values<Manifest | undefined>(chart.toJson()).map(manifest => ({ from: chart.node.path, manifest }));
  }
  return topology.objectsOf(chart).map(object => ({ from: object.node.path, manifest: object.toJson(), object }));
}

function validate(constructs: IConstruct[]): void {
  const errors = constructs.flatMap(({ node }) => node.validate().map(error => `[${node.path}] ${error}`));
  if (errors.length > 0) {
    throw new Error(`Validation failed with the following errors:\n  ${errors.join('\n  ')}`);
  }
}

function refuseCollisions(collisions: string[]): void {
  if (collisions.length > 0) {
    throw new Error(`nothing was written, as these would replace each other:\n  ${collisions.join('\n  ')}`);
  }
}
