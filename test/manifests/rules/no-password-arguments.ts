import { configMaps, nameOf, podTemplates, type Rule } from '../manifest';

/** What of a client's options is followed by a password; `--no-password` and `mkdir -p` are none. */
const OPTIONS = [
  /(^|\s)--(password|passwd|user-password|pass)([= ]|$)/,
  /(^|[\s"'])(mysql|mysqldump|mariadb|mariadb-dump|mariadb-backup|xtrabackup|mongo\w*|curl|redis-cli|valkey-cli)\b[^|;]*\s(-p|-a|-u)["'$\w]/,
];
const shown = (line: string) => line.trim().slice(0, 80);

/** An argument can be read by everybody on the node, and often in a log. */
export const noPasswordArguments: Rule = manifests => [
  ...configMaps(manifests).flatMap(configMap =>
    Object.entries(configMap.data ?? {}).flatMap(([file, text]) =>
      text
        .split('\n')
        .filter(line => !line.trim().startsWith('#') && OPTIONS.some(option => option.test(line)))
        .map(line => `${nameOf(configMap)}: ${file} gives a password as an argument: ${shown(line)}`),
    ),
  ),
  ...podTemplates(manifests).flatMap(({ of, containers }) =>
    containers
      .map(({ name, command = [], args = [] }) => ({ name, line: [...command, ...args].join(' ') }))
      .filter(({ line }) => OPTIONS.some(option => option.test(line)))
      .map(({ name, line }) => `${nameOf(of)}: ${name} gives a password as an argument: ${shown(line)}`),
  ),
];
