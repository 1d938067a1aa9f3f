import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Yaml } from 'cdk8s';
import { type Machine, must, type Variables } from './machine';

// What a kubelet does for a pod, in the small: volumes become folders, and variables that name where they are mounted name
// those. What is in the pod, its scripts and its variables, is the YAML's.

/** The fields of a manifest that the demo reads. */
interface YamlObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: { readonly [key: string]: string };
  readonly spec?: { readonly jobTemplate?: { readonly spec: { readonly template: { readonly spec: YamlPod } } } };
}

interface YamlPod {
  readonly initContainers?: YamlContainer[];
  readonly containers: YamlContainer[];
  readonly volumes?: YamlVolume[];
}

interface YamlContainer {
  readonly name: string;
  readonly image: string;
  readonly command: string[];
  readonly env?: YamlVariable[];
  readonly envFrom?: { readonly configMapRef: YamlReference }[];
  readonly volumeMounts?: { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
}

interface YamlReference {
  readonly name: string;
  readonly optional?: boolean;
}

interface YamlVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
    readonly secretKeyRef?: YamlReference & { readonly key: string };
    readonly configMapKeyRef?: YamlReference & { readonly key: string };
  };
}

interface YamlVolume {
  readonly name: string;
  readonly emptyDir?: object;
  readonly configMap?: YamlReference;
  readonly persistentVolumeClaim?: { readonly claimName: string };
}

/** The simulated cluster. */
export interface Cluster {
  readonly namespace: string;
  /** Secrets by name, with their keys. */
  readonly secrets: { readonly [name: string]: Variables };
  /** Services by name, with the variables that lead libpq to each. */
  readonly services: { readonly [host: string]: Variables };
}

/** How a run has ended. */
export interface PodEnd {
  readonly succeeded: boolean;
  /** The run's result line, as it is in the log and the pod's status. */
  readonly line: string;
  readonly verdict: string;
  readonly reason: string;
  readonly log: string;
}

/** Folders of the machine, by their paths in one container. */
type Mounts = Map<string, string>;

/** Runs the pods of CronJobs, from a file of YAML. */
export class Pods {
  private readonly objects: YamlObject[];
  private runs = 0;

  /** @param folder the demo's folder on this machine, from which the machine of the pods gets what they need */
  constructor(
    private readonly machine: Machine,
    private readonly folder: string,
    yaml: string,
    private readonly cluster: Cluster,
  ) {
    this.objects = Yaml.load(yaml);
  }

  /** The image that the YAML names for a CronJob. */
  public imageOf(cronJob: string): string {
    return this.podOf(cronJob).containers[0]?.image ?? '';
  }

  /** The folder that stands in for a claim. */
  public claim(name: string): string {
    return join(this.machine.home, 'claims', name);
  }

  /** Runs it as a Job that somebody makes from the CronJob. */
  public async run(cronJob: string): Promise<PodEnd> {
    const pod = this.podOf(cronJob);
    if (pod.initContainers?.length) throw new Error(`${cronJob} has init containers, which the demo does not run`);
    const run = `p${++this.runs}`;
    const name = `${cronJob}-${this.runs}-${randomBytes(4).readUInt32LE().toString(36).padStart(5, '0').slice(-5)}`;
    const mounts = pod.containers.map(container => this.mountsOf(run, pod, container));
    await this.machine.bring(join('scripts', run));
    await must(this.machine, 'mkdir', ['-p', join(this.machine.home, run), ...mounts.flatMap(each => [...each.values()])]);
    const ends = await Promise.all(
      pod.containers.map((container, index) => {
        const place = (text: string) => this.placed(text, mounts[index] ?? new Map(), join('scripts', run, container.name));
        const variables = Object.entries(this.variablesOf(container, name)).map(([key, value]) => [key, place(value)]);
        const [program = '', ...args] = container.command.map(place);
        // Which a kubelet gives by a file that only a container has.
        const termination = { TERMINATION_LOG: join(this.machine.home, run, `${container.name}.ended`) };
        return this.machine.run(program, args, { ...Object.fromEntries(variables), ...termination });
      }),
    );
    const lines = ends.flatMap(({ stdout }) => stdout.toString().split('\n')).filter(line => line.startsWith('{"what":'));
    const line = lines.at(-1) ?? '';
    const { verdict = 'none', reason = 'it gave no verdict' } = line === '' ? {} : JSON.parse(line);
    const log = ends.map(({ stderr }) => stderr).join('');
    return { succeeded: ends.every(({ code }) => code === 0), line, verdict, reason, log };
  }

  private podOf(cronJob: string): YamlPod {
    const pod = this.find('CronJob', cronJob)?.spec?.jobTemplate?.spec.template.spec;
    if (!pod) throw new Error(`the YAML has no CronJob ${cronJob}`);
    return pod;
  }

  private find(kind: string, name: string): YamlObject | undefined {
    return this.objects.find(object => object?.kind === kind && object.metadata.name === name);
  }

  private dataOf({ name, optional }: YamlReference): Variables | undefined {
    const found = this.find('ConfigMap', name);
    if (!found && !optional) throw new Error(`the YAML has no ConfigMap ${name}`);
    return found?.data;
  }

  private mountsOf(run: string, pod: YamlPod, container: YamlContainer): Mounts {
    const mounts: Mounts = new Map();
    for (const { name, mountPath, subPath = '' } of container.volumeMounts ?? []) {
      const volume = pod.volumes?.find(each => each.name === name);
      if (volume?.configMap) {
        // Beside each other as in the pod, where one variable names the folder above all of them.
        const below = join('scripts', run, container.name, mountPath);
        this.write(below, this.dataOf(volume.configMap) ?? {});
        mounts.set(mountPath, join(this.machine.home, below));
      } else if (volume?.persistentVolumeClaim) {
        mounts.set(mountPath, join(this.claim(volume.persistentVolumeClaim.claimName), subPath));
      } else if (volume?.emptyDir) {
        mounts.set(mountPath, join(this.machine.home, run, name, subPath));
      } else {
        throw new Error(`volume ${name} is of a kind that the demo does not know`);
      }
    }
    return mounts;
  }

  private write(below: string, data: Variables): void {
    const folder = join(this.folder, below);
    mkdirSync(folder, { recursive: true });
    for (let above = folder; above !== this.folder; above = join(above, '..')) chmodSync(above, 0o755);
    for (const [file, text] of Object.entries(data)) {
      writeFileSync(join(folder, file), text);
      chmodSync(join(folder, file), 0o555);
    }
  }

  /** A path of the pod as the machine's path: a mounted folder, something below one, or something above some. */
  private placed(text: string, mounts: Mounts, root: string): string {
    const paths = [...mounts.keys()].sort((a, b) => b.length - a.length);
    const within = paths.find(path => text === path || text.startsWith(`${path}/`));
    if (within) return `${mounts.get(within)}${text.slice(within.length)}`;
    return text.startsWith('/') && paths.some(path => path.startsWith(`${text}/`)) ? join(this.machine.home, root, text) : text;
  }

  private variablesOf(container: YamlContainer, podName: string): Variables {
    const variables: { [name: string]: string } = {};
    for (const { configMapRef } of container.envFrom ?? []) Object.assign(variables, this.dataOf(configMapRef));
    for (const variable of container.env ?? []) {
      const value = this.valueOf(variable, podName);
      if (value !== undefined) variables[variable.name] = value;
    }
    return { ...variables, ...this.cluster.services[variables.PGHOST ?? ''] };
  }

  private valueOf({ name, value = '', valueFrom }: YamlVariable, podName: string): string | undefined {
    if (!valueFrom) return value;
    const { fieldRef, secretKeyRef, configMapKeyRef } = valueFrom;
    const fields: Variables = { 'metadata.name': podName, 'metadata.namespace': this.cluster.namespace };
    if (configMapKeyRef) return this.dataOf(configMapKeyRef)?.[configMapKeyRef.key];
    const found = secretKeyRef ? this.cluster.secrets[secretKeyRef.name]?.[secretKeyRef.key] : fields[fieldRef?.fieldPath ?? ''];
    if (found === undefined) throw new Error(`the demo does not know the source of the value of ${name}`);
    return found;
  }
}
