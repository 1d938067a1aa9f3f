/** One line of a plot. */
export interface Line {
  readonly name: string;
  readonly points: { readonly x: number; readonly y: number }[];
}

const WIDTH = 720;
const HEIGHT = 440;
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 190, 40, 50];
const COLOURS = ['#0b7285', '#e8590c', '#495057', '#5f3dc4', '#2b8a3e'];

/** Lines over axes that are both logarithmic, where what is linear has the slope of the diagonal, as an SVG document. */
export function logLogPlot(title: string, xTitle: string, yTitle: string, lines: Line[]): string {
  const points = lines.flatMap(line => line.points);
  const [x, xTicks] = axis(
    points.map(point => point.x),
    LEFT,
    WIDTH - RIGHT,
  );
  const [y, yTicks] = axis(
    points.map(point => point.y),
    HEIGHT - BOTTOM,
    TOP,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(LEFT, 22, title, 'font-size="14" font-weight="bold"'),
    ...xTicks.flatMap(tick => [
      `<line x1="${x(tick)}" y1="${TOP}" x2="${x(tick)}" y2="${HEIGHT - BOTTOM}" stroke="#dee2e6"/>`,
      text(x(tick), HEIGHT - BOTTOM + 18, tick.toLocaleString('en'), 'text-anchor="middle"'),
    ]),
    ...yTicks.flatMap(tick => [
      `<line x1="${LEFT}" y1="${y(tick)}" x2="${WIDTH - RIGHT}" y2="${y(tick)}" stroke="#dee2e6"/>`,
      text(LEFT - 8, y(tick) + 4, String(tick), 'text-anchor="end"'),
    ]),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, xTitle, 'text-anchor="middle"'),
    text(0, 0, yTitle, `text-anchor="middle" transform="translate(18 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)"`),
    ...lines.flatMap(({ name, points }, i) => {
      const colour = COLOURS[i % COLOURS.length];
      const last = points.at(-1);
      return [
        `<polyline points="${points.map(point => `${x(point.x)},${y(point.y)}`).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        ...points.map(point => `<circle cx="${x(point.x)}" cy="${y(point.y)}" r="3" fill="${colour}"/>`),
        ...(last ? [text(x(last.x) + 8, y(last.y) + 4, name, `fill="${colour}"`)] : []),
      ];
    }),
    '</svg>\n',
  ].join('\n');
}

/** Where values are between two pixels, and the powers of ten among them. */
function axis(values: number[], from: number, to: number): [(value: number) => number, number[]] {
  const [low, high] = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))];
  const place = (value: number) => Math.round((from + ((Math.log10(value) - low) / (high - low)) * (to - from)) * 10) / 10;
  return [place, Array.from({ length: high - low + 1 }, (_, i) => Number(`1e${low + i}`))];
}

function text(x: number, y: number, words: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${words}</text>`;
}
