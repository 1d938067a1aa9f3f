import type { Executed } from '../rehearsal';

/** A cluster that scenarios are run on: the rehearsal's, or a real one. It has the app of main.ts, whose server has been started. */
export interface TestCluster {
  /** Runs the real kubectl, with all rights, in the app's namespace. */
  kubectl(argv: string[]): Promise<Executed>;
  /** Removes the app, and all that belongs to the test. */
  close(): Promise<void>;
}

/** What a command prints. @throws Error when it fails */
export async function output(cluster: TestCluster, ...argv: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await cluster.kubectl(argv);
  if (exitCode !== 0) throw new Error(`kubectl ${argv.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** The objects of a kind, by labels. */
export async function objects(cluster: TestCluster, kind: string, labels: string): Promise<ClusterObject[]> {
  return JSON.parse(await output(cluster, 'get', kind, `--selector=${labels}`, '--output=json')).items;
}

/** An object, as far as scenarios look at it. */
export interface ClusterObject {
  readonly metadata: {
    readonly name: string;
    readonly labels: { readonly [label: string]: string };
    readonly annotations?: { readonly [annotation: string]: string };
  };
  readonly data?: { readonly [key: string]: string };
  readonly spec: { readonly source: { readonly persistentVolumeClaimName: string } };
  readonly status?: { readonly readyToUse?: boolean; readonly creationTime?: string };
}
