import type { k8s } from 'cdk8s-plus-27';

/**
 * A Secret that exists in the namespace, or will when the job runs. It is only ever referred to: no secret value passes
 * through this library, so none can end up in dist/ or in a Git history.
 */
export class SecretRef {
  /**
   * Refers to a Secret of the backup's namespace.
   *
   * @param name the Secret's name
   */
  public static named(name: string): SecretRef {
    return new SecretRef(name);
  }

  /**
   * Stands for the Secret that somebody has left out: it has no name, and asking it for a key is an error.
   *
   * @internal
   */
  public static _leftOut(complaint: () => Error): SecretRef {
    return new SecretRef('', complaint);
  }

  private constructor(
    /** The Secret's name; empty where somebody has left it out. */
    public readonly name: string,
    private readonly complaint?: () => Error,
  ) {}

  /**
   * Refers to one key of the Secret.
   *
   * @param key the key in the Secret's data
   */
  public key(key: string): SecretKeyRef {
    if (this.complaint) throw this.complaint();
    return new SecretKeyRef(this.name, key);
  }
}

/**
 * One key of a Secret.
 */
export class SecretKeyRef {
  /** @internal */
  constructor(
    /** The Secret's name. */
    public readonly secretName: string,
    /** The key in the Secret's data. */
    public readonly keyName: string,
  ) {}

  /** The key as the value of an environment variable. */
  public toEnvironment(variable: string): k8s.EnvVar {
    return { name: variable, valueFrom: { secretKeyRef: { name: this.secretName, key: this.keyName } } };
  }
}

/**
 * The mode of a Secret's files in a pod. Nobody but the pod's one user sees them, and it can read them whatever group they get.
 *
 * @internal
 */
export const SECRET_FILE_MODE = 0o444;
