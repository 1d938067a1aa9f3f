/** A program that runs on the node for as long as the node does, as a service of its operating system would. */
export interface Daemon {
  /** Of its log, which is /var/log/<name>.log on the node, and its name in messages. */
  readonly name: string;
  /** Program and arguments, with paths of the node. What is in the cache of built programs has the same path there as on the machine. */
  readonly argv: string[];
  /** Beside PATH. @default none */
  readonly env?: { readonly [variable: string]: string };
  /**
   * The user it is to the API server: KUBECONFIG names a file with a certificate for it. It may do what RBAC allows that user.
   * @default none: it gets no KUBECONFIG
   */
  readonly user?: string;
  /** The groups of that user. @default none */
  readonly groups?: string[];
}

/** Something that is added to the node: a CSI driver, say. */
export interface NodeModule {
  /** In messages. */
  readonly name: string;
  /** Files or directories of this machine that are applied, server-side, before the daemons start: CRDs, RBAC, classes. @default none */
  readonly manifests?: string[];
  /** Options of the API server, after those that it has: where pods are to find it, say. @default none */
  readonly apiServer?: string[];
  /** Started in this order, once the API server answers. @default none */
  readonly daemons?: Daemon[];
  /**
   * Ends when the daemons are of use; called after they were started, with what runs a command on the node,
   * where kubectl has all rights.
   * @default they are at once
   */
  readonly ready?: (run: (argv: string[]) => Promise<string>) => Promise<void>;
}
