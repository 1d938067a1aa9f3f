import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { App, type AppProps, Chart, Names, Yaml, YamlOutputType } from 'cdk8s';
import type { IConstruct, Node } from 'constructs';
import { checkNew } from '../core/given';
import { complaintOf } from '../core/user-line';
import { warnings } from '../core/warning';
import { type Document, type File, sameFiles, sameObjects } from './collisions';
import { Gathered } from './prerequisites';
import type { Manifest } from './references';
import { Staging } from './staging';
import { type Topology, topologyOf } from './topology';
import { yamlOf } from './yaml';

/**
 * An app whose synthesis takes time linear in its size, and that checks before it writes.
 *
 * It writes what `App` writes, byte for byte, in every output type. Beside that it writes PREREQUISITES.md, unless it would be empty: what
 * has to be there and no manifest makes (`Prerequisites`). The differences:
 *
 * - It resolves dependencies and calls validations once. `App` does both anew for each chart, in time exponential in the depth of
 *   dependencies.
 * - Objects that would replace each other in the cluster, and files that would overwrite each other, are errors.
 * - Files come into the output directory together, or not at all. After a failure half way, such as a full disk, the directory is as it
 *   was.
 * - Warnings of constructs go to stderr, a line each: `warning: <path>: <text>`.
 * - A chart's own `toJson` counts in every output type; `App` ignores it in FOLDER_PER_CHART_FILE_PER_RESOURCE. A chart that calls
 *   `super.toJson()` in it takes as long as in `App`.
 */
export class BackupApp extends App {
  private readonly writesConstructMetadata: boolean;

  /**
   * @param props as for `App`
   */
  constructor(props: AppProps = {}) {
    checkNew('BackupApp', props);
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
    validate(this.node.findAll());
    // Add-ons are bound meanwhile.
    const constructs = this.node.findAll();
    const topology = topologyOf(constructs);
    const staging = new Staging(this.outdir);
    try {
      const gathered = this.stage(topology, staging);
      const page = gathered.prerequisites(constructs).toMarkdown();
      if (page !== '') staging.add(this.placeOfPage(), page);
      if (this.writesConstructMetadata) {
        staging.add('construct-metadata.json', constructMetadata(topology));
      }
      for (const line of warnings(constructs)) {
        process.stderr.write(`${line}\n`);
      }
      staging.publish();
    } catch (error) {
      staging.discard();
      throw error;
    }
  }

  /**
   * All manifests in one string.
   *
   * @throws Error as `synth` does
   */
  public override synthYaml(): string {
    validate(this.node.findAll());
    const topology = topologyOf(this.node.findAll());
    const documents = topology.charts.flatMap(chart => render(chart, topology));
    refuseCollisions(sameObjects(documents.map(({ object }) => object)));
    return textOf(documents);
  }

  /** Helm renders every file among a chart's templates. (Helm documentation, "Chart Template Guide"; `cdk8s synth --format helm`.) */
  private placeOfPage(): string {
    return basename(this.outdir) === 'templates' && existsSync(join(this.outdir, '..', 'Chart.yaml')) ? join('..', PAGE) : PAGE;
  }

  private stage(topology: Topology, staging: Staging): Gathered {
    const { yamlOutputType, outputFileExtension } = this;
    const gathered = new Gathered();
    const objects: Document[] = [];
    const files: File[] = [];
    const add = (name: string, from: string, documents: RenderedDocument[]) => {
      files.push({ path: `${name}${outputFileExtension}`, from });
      staging.add(`${name}${outputFileExtension}`, textOf(documents));
    };
    topology.charts.forEach((chart, position) => {
      const documents = render(chart, topology, yamlOutputType === YamlOutputType.FOLDER_PER_CHART_FILE_PER_RESOURCE);
      gathered.chart(documents.map(({ manifest }) => manifest).filter(manifest => manifest !== undefined));
      const chartName = `${topology.ordered ? `${String(position).padStart(4, '0')}-` : ''}${Names.toDnsLabel(chart)}`;
      switch (yamlOutputType) {
        case YamlOutputType.FILE_PER_APP:
          if (position === 0) add('app', '(app)', documents);
          else if (documents.length > 0) staging.append(`${objects.length > 0 ? SEPARATOR : ''}${textOf(documents)}`);
          break;
        case YamlOutputType.FILE_PER_RESOURCE:
        case YamlOutputType.FOLDER_PER_CHART_FILE_PER_RESOURCE:
          for (const document of documents.filter(({ isNothing }) => !isNothing)) {
            const folder = yamlOutputType === YamlOutputType.FILE_PER_RESOURCE ? '' : chartName;
            add(join(folder, document.fileName), document.object.from, [document]);
          }
          break;
        default:
          add(chartName, chart.node.path, documents);
      }
      objects.push(...documents.map(({ object }) => object));
    });
    refuseCollisions([...sameObjects(objects), ...sameFiles(files)]);
    return gathered;
  }
}

const PAGE = 'PREREQUISITES.md';

/** An object in its final form. */
interface RenderedDocument {
  readonly object: Document;
  readonly manifest: Manifest | undefined;
  readonly text: string;
  /** A hook may leave a place empty. That is a document of its own in a file with others, and no file by itself. */
  readonly isNothing: boolean;
  /** Its file's name, without the extension, if it has a file of its own. */
  readonly fileName: string;
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

function written(
  from: string,
  manifest: Manifest | undefined,
  namedAfter: Pick<Manifest, 'kind' | 'metadata'> | undefined,
): RenderedDocument {
  const { apiVersion, kind, metadata } = manifest ?? {};
  return {
    object: { from, apiVersion, kind, name: metadata?.name, namespace: metadata?.namespace },
    manifest,
    text: manifest === undefined ? Yaml.stringify(manifest) : yamlOf(manifest),
    isNothing: manifest === undefined,
    fileName: `${namedAfter?.kind}.${namedAfter?.metadata?.name}`.replace(/[^0-9a-zA-Z-_.]/g, ''),
  };
}

function textOf(documents: RenderedDocument[]): string {
  return documents.map(({ text }) => text).join(SEPARATOR);
}

/** What `Yaml.stringify` puts between documents. */
const SEPARATOR = '---\n';

/**
 * For the validation plugins of cdk8s-cli, which look up an object's construct by the object's name alone. If several objects have one
 * name, they get all of them.
 */
function constructMetadata(topology: Topology): string {
  const paths = new Map<string, string[]>();
  for (const { name, node } of topology.charts.flatMap(chart => topology.objectsOf(chart))) {
    paths.set(name, [...(paths.get(name) ?? []), node.path]);
  }
  const resources = Object.fromEntries([...paths].map(([name, all]) => [name, { path: all.join(', ') }]));
  return JSON.stringify({ version: '1.0.0', resources });
}

function validate(constructs: IConstruct[]): void {
  const errors = constructs.flatMap(({ node }) =>
    complaints(node).map(error =>
      error.startsWith(`${node.path}/`) || error.startsWith(`${node.path}:`) ? error : `[${node.path}] ${error}`,
    ),
  );
  if (errors.length > 0) {
    throw new Error(`Validation failed with the following errors:\n  ${together(errors).join('\n  ')}`);
  }
}

/** How many paths are named before the rest is counted. */
const NAMED = 5;

/** An error in an add-on of a plan is in each of its backups. It is reported once. */
function together(errors: string[]): string[] {
  const paths = new Map<string, string[]>();
  for (const error of errors) {
    const [, path = '', words = error] = /^(\[.*?\](?= )|.*?(?=: ))(.*)$/s.exec(error) ?? [];
    paths.set(words, [...(paths.get(words) ?? []), path]);
  }
  return [...paths].map(([words, all]) => {
    const more = all.length > NAMED ? ` and ${all.length - NAMED} more` : '';
    return `${all.slice(0, NAMED).join(', ')}${more}${words}`;
  });
}

/** What its validations report. An input error that one of them throws is included, so that it hides no other. */
function complaints(node: Node): string[] {
  try {
    return node.validate();
  } catch (error) {
    const complaint = complaintOf(error);
    if (complaint === undefined) throw error;
    return [complaint];
  }
}

function refuseCollisions(collisions: string[]): void {
  if (collisions.length > 0) {
    throw new Error(`nothing was written, because these objects would replace each other:\n  ${collisions.join('\n  ')}`);
  }
}
