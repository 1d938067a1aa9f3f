import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { App, type AppProps, Chart, Names, Yaml, YamlOutputType } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { warnings } from '../core/warning';
import { type Document, type File, sameFiles, sameObjects } from './collisions';
import { type Topology, topologyOf } from './topology';
import { yamlOf } from './yaml';

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
    const inFolders = this.yamlOutputType === YamlOutputType.FOLDER_PER_CHART_FILE_PER_RESOURCE;
    const rendered = topology.charts.map(chart => ({ chart, documents: render(chart, topology, inFolders) }));
    const files = this.layOut(rendered, topology);
    refuseCollisions([...sameObjects(rendered.flatMap(({ documents }) => documents)), ...sameFiles(files)]);

    for (const line of warnings(constructs)) {
      process.stderr.write(`${line}\n`);
    }
    for (const folder of new Set([this.outdir, ...files.map(({ path }) => join(this.outdir, dirname(path)))])) {
      mkdirSync(folder, { recursive: true });
    }
    for (const { path, documents } of files) {
      writeFileSync(join(this.outdir, path), textOf(documents));
    }
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
    return textOf(documents);
  }

  private layOut(rendered: RenderedChart[], topology: Topology): RenderedFile[] {
    const chartName = (chart: Chart, position: number) =>
      `${topology.ordered ? `${String(position).padStart(4, '0')}-` : ''}${Names.toDnsLabel(chart)}`;
    const filePerObject = (documents: RenderedDocument[], folder = '') =>
      documents
        .filter(({ isNothing }) => !isNothing)
        .map(document => ({
          path: join(folder, `${document.fileName}${this.outputFileExtension}`),
          from: document.from,
          documents: [document],
        }));

    switch (this.yamlOutputType) {
      case YamlOutputType.FILE_PER_APP: {
        const documents = rendered.flatMap(chart => chart.documents);
        return rendered.length ? [{ path: `app${this.outputFileExtension}`, from: '(app)', documents }] : [];
      }
      case YamlOutputType.FILE_PER_RESOURCE:
        return rendered.flatMap(({ documents }) => filePerObject(documents));
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

  /** For the validation plugins of cdk8s-cli, which find the construct of an object by it. */
  private writeMetadata(topology: Topology): void {
    const objects = topology.charts.flatMap(chart => topology.objectsOf(chart));
    const resources = Object.fromEntries(objects.map(({ name, node }) => [name, { path: node.path }]));
    writeFileSync(join(this.outdir, 'construct-metadata.json'), JSON.stringify({ version: '1.0.0', resources }));
  }
}

/** An object in its final form. Its manifest is not kept: it takes many times the memory of its text. */
interface RenderedDocument extends Document {
  readonly text: string;
  /** A hook may leave a place empty, which is a document of its own in a file with others, and no file by itself. */
  readonly isNothing: boolean;
  /** Its file's name where it has a file of its own, without the extension. */
  readonly fileName: string;
}

interface RenderedChart {
  readonly chart: Chart;
  readonly documents: RenderedDocument[];
}

interface RenderedFile extends File {
  readonly documents: RenderedDocument[];
}

/** As much of a manifest as is looked at. */
interface Manifest {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
}

/**
 * The objects of a chart. A chart that overrides `toJson` hooks into synthesis (cdk8s documentation, "Chart").
 *
 * @param namedByConstruct `App` names a file in a folder after the construct, and one without a folder after the manifest; a patch
 *   may tell them apart
 */
function render(chart: Chart, topology: Topology, namedByConstruct = false): RenderedDocument[] {
  if (chart.toJson !== Chart.prototype.toJson) {
    return chart.toJson().map((manifest: Manifest | undefined) => written(chart.node.path, manifest, manifest));
  }
  return topology.objectsOf(chart).map(object => {
    const manifest: Manifest = object.toJson();
    return written(object.node.path, manifest, namedByConstruct ? object : manifest);
  });
}

function written(from: string, manifest: Manifest | undefined, namedAfter: Manifest | undefined): RenderedDocument {
  const { apiVersion, kind, metadata } = manifest ?? {};
  return {
    from,
    apiVersion,
    kind,
    name: metadata?.name,
    namespace: metadata?.namespace,
    text: manifest === undefined ? Yaml.stringify(manifest) : yamlOf(manifest),
    isNothing: manifest === undefined,
    fileName: `${namedAfter?.kind}.${namedAfter?.metadata?.name}`.replace(/[^0-9a-zA-Z-_.]/g, ''),
  };
}

/** `Yaml.stringify` separates documents so. */
function textOf(documents: RenderedDocument[]): string {
  return documents.map(({ text }) => text).join('---\n');
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
