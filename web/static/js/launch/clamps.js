// Programs as data: sites read and written, clamps put on heads and taken off. Pure functions; the
// catalogue of kinds comes from the page, so that none is named here.

const GRAMMAR = /^(?:L(\*|\d+)(?:H(\*|\d+(?:,\d+)*))?\.)?([a-z_]+)(?:\[([a-z]+)\])?$/;
const WINDOW = { from_sequences: 0, until_sequences: null };

/** `L1H0,1.v` -> its parts, or null. Layer: a number, "*" or null; heads: numbers, or null: all. */
export function readSite(text) {
  const match = GRAMMAR.exec(String(text ?? "").trim());
  if (!match) return null;
  const [, layer, heads, point, positions = "all"] = match;
  return {
    layer: layer === undefined ? null : layer === "*" ? "*" : Number(layer),
    heads: heads === undefined || heads === "*" ? null : heads.split(",").map(Number),
    point,
    positions,
  };
}

export function writeSite({ layer, heads, point, positions }) {
  const named = heads ? `H${[...heads].sort((a, b) => a - b).join(",")}` : "";
  const where = layer === null ? "" : `L${layer}${named}.`;
  return `${where}${point}${positions === "all" ? "" : `[${positions}]`}`;
}

/** What a light is put on: the layers and heads of a site, or another site of the same points. */
export const placed = (site, layer, heads) => ({ ...site, layer, heads });

export function kindOf(clamp, catalogue) {
  return catalogue.find(({ fixed }) => Object.entries(fixed).every(([name, is]) => clamp?.[name] === is));
}

export function covers(site, layer, head) {
  if (!site || site.layer === null || (site.layer !== "*" && site.layer !== layer)) return false;
  return head === null ? site.heads === null : site.heads === null || site.heads.includes(head);
}

/** Whether two lights are ever on together. */
export function meet(one, other) {
  const [a, b] = [{ ...WINDOW, ...one }, { ...WINDOW, ...other }];
  return a.from_sequences < (b.until_sequences ?? Infinity) && b.from_sequences < (a.until_sequences ?? Infinity);
}

function sameButHeads(one, other) {
  const bare = ({ site, ...rest }) => JSON.stringify(Object.entries({ ...WINDOW, ...rest }).sort());
  return bare(one) === bare(other);
}

/** Whether a clamp leaves no room for another at its place. */
function inTheWay(clamp, kind, added, addedKind) {
  const [site, new_] = [readSite(clamp.site), readSite(added.site)];
  if (!kind || !site || !meet(clamp, added)) return false;
  if (kind.id === addedKind.id && addedKind.picks !== "any") return true;
  const shared = site.positions === new_.positions || [site.positions, new_.positions].includes("all");
  if (site.point !== new_.point || !shared) return false;
  const rescales = kind.phase === 1; // factors multiply, the same kind apart
  return kind.id === addedKind.id || (kind.fills && addedKind.fills && kind.phase === addedKind.phase && !rescales);
}

/** The clamp without one head (null: without the layer's all): what is left of it, as clamps. */
export function without(clamp, layer, head, shape) {
  const site = readSite(clamp.site);
  if (!covers(site, layer, head) && !(head === null && (site?.layer === layer || site?.layer === "*"))) return [clamp];
  const others = site.layer === "*" ? shape.layers.filter((one) => one !== layer) : [];
  const left = head === null ? [] : (site.heads ?? shape.heads).filter((one) => one !== head);
  const parts = others.map((one) => placed(site, one, site.heads));
  if (left.length) parts.push(placed(site, layer, left));
  return parts.map((part) => ({ ...clamp, site: writeSite(part) }));
}

/** The program with a clamp added, and where it is. What stands in its way gives way; heads of one
 *  layer under equal lights share a clamp. */
export function added(program, clamp, catalogue, shape) {
  const kind = kindOf(clamp, catalogue);
  const site = readSite(clamp.site);
  let kept = program;
  if (kind && site) {
    kept = program.flatMap((other) => {
      if (!inTheWay(other, kindOf(other, catalogue), clamp, kind)) return [other];
      return kind.picks === "any" ? cleared(other, site, shape) : [];
    });
    const mate = site.heads && kept.findIndex((other) => sameButHeads(other, clamp) && isMate(other, site));
    if (site.heads && mate >= 0) {
      const heads = [...new Set([...readSite(kept[mate].site).heads, ...site.heads])];
      const all = heads.length === shape.heads.length;
      const joined = { ...clamp, site: writeSite({ ...site, heads: all ? null : heads }) };
      return { program: kept.map((other, index) => (index === mate ? joined : other)), index: mate };
    }
  }
  return { program: [...kept, clamp], index: kept.length };
}

function isMate(other, site) {
  const at = readSite(other.site);
  return at?.heads && at.layer === site.layer && at.point === site.point && at.positions === site.positions;
}

/** A clamp without everything that a site names. */
function cleared(clamp, site, shape) {
  const layers = site.layer === "*" ? shape.layers : [site.layer];
  const places = layers.flatMap((layer) => (site.heads ?? [null]).map((head) => [layer, head]));
  if (site.layer === null) return readSite(clamp.site).layer === null ? [] : [clamp];
  return places.reduce((left, [layer, head]) => left.flatMap((one) => without(one, layer, head, shape)), [clamp]);
}

/** The program without the lights of `which` clamps on what a site names. */
export function removed(program, site, shape, which) {
  return program.flatMap((clamp) => (which(clamp) ? cleared(clamp, site, shape) : [clamp]));
}

/** The colour of the light that says most about a head: the one that is meant for the fewest. */
export function toneOf(program, layer, head, catalogue, shape) {
  const size = (site) => (site.heads?.length ?? shape.heads.length) * (site.layer === "*" ? shape.layers.length : 1);
  const lit = program
    .map((clamp) => ({ kind: kindOf(clamp, catalogue), site: readSite(clamp.site) }))
    .filter(({ kind, site }) => kind?.head_points.includes(site?.point) && covers(site, layer, head))
    .sort((a, b) => size(a.site) - size(b.site) || b.kind.phase - a.kind.phase);
  return lit[0]?.kind.light ?? "none";
}
