import type { k8s } from 'cdk8s-plus-27';

/**
 * A Secret that exists in the namespace, or will when the job runs. This library only refers to it. No secret value passes through it, so
 * none can end up in dist/ or in a Git history.
 */
export class SecretRef {
  /**
   * Refers to a Secret of the backup's namespace.
   *
   * @param name the Secret's name
   * @param keys the Secret's own keys, by the ones that are asked for: `{ password: 'postgres-password' }`
   */
  public static named(name: string, keys: { [asked: string]: string } = {}): SecretRef {
    return new SecretRef(name, keys);
  }

  /**
   * The Secret that CloudNativePG makes for a cluster's application user, `<cluster>-app`.
   * (CloudNativePG documentation, "Applications": https://cloudnative-pg.io/documentation/current/applications/#secrets)
   */
  public static cloudNativePg(cluster: string): SecretRef {
    return SecretRef.named(`${cluster}-app`);
  }

  /**
   * The Secret that PGO makes for a user of a cluster, `<cluster>-pguser-<user>`; Percona's operator for PostgreSQL does the same.
   * (PGO documentation, "Connect to a Postgres cluster": https://access.crunchydata.com/documentation/postgres-operator/latest)
   */
  public static pgo(cluster: string, user: string): SecretRef {
    return SecretRef.named(`${cluster}-pguser-${user}`, { username: 'user' });
  }

  /**
   * The Secret that Zalando's operator makes for a user of a cluster. An underscore in the user's name becomes a hyphen in the Secret's.
   * (Postgres Operator documentation, "User guide": https://opensource.zalando.com/postgres-operator/docs/user.html)
   */
  public static zalando(cluster: string, user: string): SecretRef {
    return SecretRef.named(`${user.replace(/_/g, '-')}.${cluster}.credentials.postgresql.acid.zalan.do`);
  }

  /**
   * The Secret of Bitnami's chart of PostgreSQL, whose superuser is `postgres`.
   *
   * @param name the Secret's name, `<release>-postgresql` unless the chart was told another
   */
  public static bitnamiPostgresql(name: string): SecretRef {
    return SecretRef.named(name, { password: 'postgres-password' }).withUsername('postgres');
  }

  /**
   * Stands for a Secret that somebody has left out. It has no name, and asking it for a key is an error.
   *
   * @internal
   */
  public static _leftOut(complaint: () => Error): SecretRef {
    return new SecretRef('', {}, undefined, complaint);
  }

  private constructor(
    /** The Secret's name; empty if somebody has left it out. */
    public readonly name: string,
    private readonly keys: { [asked: string]: string },
    private readonly username?: string,
    private readonly complaint?: () => Error,
    private readonly asked: Set<string> = new Set(),
  ) {}

  /**
   * The same Secret, with a user whose name is in no Secret: `SecretRef.named('db', { password: 'root-password' }).withUsername('root')`.
   */
  public withUsername(username: string): SecretRef {
    return new SecretRef(this.name, this.keys, username, this.complaint, this.asked);
  }

  /**
   * What is wrong with its `keys`, after everybody has asked. A misspelt one names a key that nobody asks for.
   *
   * @internal
   */
  public _complaints(): string[] {
    const unasked = Object.keys(this.keys).filter(key => !this.asked.has(key));
    const asked = [...this.asked].sort().join(', ');
    return unasked.map(key => `nothing uses the key '${key}' of Secret ${this.name}, which keys renames: the keys in use are ${asked}`);
  }

  /**
   * Refers to one key of the Secret.
   *
   * @param key the key in the Secret's data, or what `keys` says of it
   */
  public key(key: string): SecretKeyRef {
    if (this.complaint) throw this.complaint();
    this.asked.add(key);
    return new SecretKeyRef(this.name, this.keys[key] ?? key, key === 'username' ? this.username : undefined);
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
    private readonly literal?: string,
  ) {}

  /** @internal */
  public _isSameAs(other: SecretKeyRef): boolean {
    return this.secretName === other.secretName && this.keyName === other.keyName;
  }

  /** The key as the value of an environment variable. A user name that was given takes the key's place. */
  public toEnvironment(variable: string): k8s.EnvVar {
    if (this.literal !== undefined) return { name: variable, value: this.literal };
    return { name: variable, valueFrom: { secretKeyRef: { name: this.secretName, key: this.keyName } } };
  }
}

/**
 * The mode of a Secret's files in a pod. Nobody but the pod's one user sees them, and it can read them whatever group they get.
 *
 * @internal
 */
export const SECRET_FILE_MODE = 0o444;
