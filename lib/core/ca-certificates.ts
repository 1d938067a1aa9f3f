import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { checkObjectName } from './names';
import { SECRET_FILE_MODE, type SecretKeyRef } from './secret-ref';

/** The certificates, in PEM, of the authorities that may have signed a server's certificate. */
export class CaCertificates {
  /**
   * A key of a ConfigMap in the backup's namespace.
   *
   * @param name the ConfigMap
   * @param key the key that holds the certificates
   */
  public static configMap(name: string, key: string): CaCertificates {
    return new CaCertificates(name, key, { configMap: { name, items: [{ key, path: key }] } });
  }

  /** A key of a Secret in the backup's namespace, such as `ca.crt` of a Secret that cert-manager makes. */
  public static secret(secret: SecretKeyRef): CaCertificates {
    const { secretName, keyName: key } = secret;
    return new CaCertificates(secretName, key, { secret: { secretName, defaultMode: SECRET_FILE_MODE, items: [{ key, path: key }] } });
  }

  private constructor(
    private readonly objectName: string,
    private readonly key: string,
    private readonly source: Omit<k8s.Volume, 'name'>,
  ) {}

  /** @internal */
  public _bind(scope: Construct, prop: string, volume: string): CaCertificatesConfig {
    checkObjectName(scope, prop, this.objectName);
    const mountPath = `/run/secrets/${volume}`;
    return {
      path: `${mountPath}/${this.key}`,
      volume: { name: volume, ...this.source },
      mount: { name: volume, mountPath, readOnly: true },
    };
  }
}

/** @internal */
export interface CaCertificatesConfig {
  readonly path: string;
  readonly volume: k8s.Volume;
  readonly mount: k8s.VolumeMount;
}
