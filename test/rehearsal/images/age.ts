import { carvedRoot, type DebianRecipe } from '../rootfs';
import type { Image } from './catalog';

const AGE_DEBIAN: DebianRecipe = { suite: 'trixie', packages: ['age', 'busybox-static'] };

/** An image with age as the documentation of `Encryption.age` makes it: busybox, and age as /usr/bin/age. Debian's asks for no library. */
export async function ageImage(name: string): Promise<Image> {
  const root = await carvedRoot('age', {
    from: AGE_DEBIAN,
    files: { '/usr/bin/busybox': '/bin/busybox', '/usr/bin/age': '/usr/bin/age', '/usr/bin/age-keygen': '/usr/bin/age-keygen' },
    busyboxApplets: 'all',
    texts: { '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n', '/etc/group': 'root:x:0:root\n' },
  });
  return { name, root };
}
