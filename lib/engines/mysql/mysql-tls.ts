import type { k8s } from 'cdk8s-plus-27';
import type { SecretKeyRef } from '../../core/secret-ref';

const MOUNT = '/run/tls/mysql';

/** How the connection to a MySQL or MariaDB server is encrypted. */
export class MysqlTls {
  /** Not at all. */
  public static disabled(): MysqlTls {
    return new MysqlTls('disabled');
  }

  /** Encrypted, without a check of the server's certificate. Somebody on the network could pose as the server, and learn the password. */
  public static encrypted(): MysqlTls {
    return new MysqlTls('encrypted');
  }

  /**
   * Encrypted, and the server's certificate must be for the host's name and signed by this authority.
   *
   * @param ca the key of a Secret with the authority's certificate, such as SecretRef.named('db-ca').key('ca.crt')
   */
  public static verified(ca: SecretKeyRef): MysqlTls {
    return new MysqlTls('verified', {
      name: 'mysql-ca',
      secret: { secretName: ca.secretName, items: [{ key: ca.keyName, path: 'ca.crt' }] },
    });
  }

  /**
   * As `verified`, with the authority's certificate in a ConfigMap.
   *
   * @param name the ConfigMap, in the backup's namespace
   * @param key its key
   */
  public static verifiedByConfigMap(name: string, key: string): MysqlTls {
    return new MysqlTls('verified', { name: 'mysql-ca', configMap: { name, items: [{ key, path: 'ca.crt' }] } });
  }

  private constructor(
    private readonly mode: string,
    private readonly ca?: k8s.Volume,
  ) {}

  /** @internal */
  public _bind(): MysqlTlsBinding {
    const { mode, ca } = this;
    if (!ca) return { mode, volumes: [], mounts: [] };
    return { mode, ca: `${MOUNT}/ca.crt`, volumes: [ca], mounts: [{ name: ca.name, mountPath: MOUNT, readOnly: true }] };
  }
}

/** @internal */
export interface MysqlTlsBinding {
  readonly mode: string;
  readonly ca?: string;
  readonly volumes: k8s.Volume[];
  readonly mounts: k8s.VolumeMount[];
}
