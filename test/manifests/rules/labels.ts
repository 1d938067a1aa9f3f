import { nameOf, type Rule } from '../manifest';
import { DNS_SUBDOMAIN } from './names';

const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** Labels wherever they are: of objects, of templates and in selectors. Those of alerts are Prometheus', and may be any text. */
export const labels: Rule = manifests =>
  manifests.flatMap(manifest =>
    labelsIn(manifest.kind === 'PrometheusRule' ? { labels: manifest.metadata.labels } : manifest).map(
      label => `${nameOf(manifest)}: label ${label} is not valid`,
    ),
  );

function labelsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  const { labels, matchLabels, key, operator, values } = value as { [field: string]: unknown };
  const isExpression = typeof key === 'string' && typeof operator === 'string' && Array.isArray(values);
  const found = [
    ...[labels, matchLabels].flatMap(map => (map && typeof map === 'object' ? Object.entries(map) : [])),
    ...(isExpression ? values.map(one => [key, one]) : []),
  ];
  const wrong = found.filter(([name, text]) => !isKey(name) || !isValue(text)).map(([name, text]) => `${name}=${text}`);
  return [...wrong, ...Object.values(value).flatMap(labelsIn)];
}

function isKey(key: string): boolean {
  const [name = '', prefix, ...rest] = key.split('/').reverse();
  return NAME.test(name) && rest.length === 0 && (prefix === undefined || DNS_SUBDOMAIN.test(prefix));
}

function isValue(value: unknown): boolean {
  return value === '' || NAME.test(String(value));
}
