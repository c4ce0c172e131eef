// What tools/check_site.py asks of a page in the browser. Each function returns a list of sentences.
window.site = {
  brokenImages: () => [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => `image ${i.src}`),

  // What sticks out: wider than the screen, and not inside something that scrolls or is hidden.
  tooWide: () => {
    const width = document.documentElement.scrollWidth;
    if (width <= innerWidth) return [];
    const apart = "pre, .md-typeset__scrollwrap, .md-search, svg, math";
    const out = e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(apart);
    const found = [...document.querySelectorAll("article *, header *, footer *")].filter(out).slice(-3);
    return [`the page is ${width} px wide`, ...found.map(e => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 40)}`)];
  },

  // WCAG 2 AA: 4.5 to 1, and 3 to 1 for large text. Text is compared with the background of the nearest box round it that has one.
  // (axe-core's own rule also looks at what lies over what, and takes ten seconds for a long page.)
  contrast: () => {
    const parse = text => {
      const n = text.startsWith("rgb") && text.match(/[\d.]+/g)?.map(Number);
      return n ? [n[0], n[1], n[2], n[3] ?? 1] : null;
    };
    const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3]));
    const linear = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const known = new Map();
    const behind = e => {
      if (!e) return [255, 255, 255];
      if (!known.has(e)) {
        const own = parse(getComputedStyle(e).backgroundColor);
        known.set(e, own && own[3] === 1 ? own.slice(0, 3) : own && own[3] ? over(own, behind(e.parentElement)) : behind(e.parentElement));
      }
      return known.get(e);
    };
    const found = new Map();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.textContent.trim(), e = walker.currentNode.parentElement;
      if (!text || !e.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
      if (!e.getBoundingClientRect().width) continue;
      const style = getComputedStyle(e), colour = parse(e.closest("svg") ? style.fill : style.color);
      if (!colour) continue;
      const under = behind(e), [high, low] = [light(over(colour, under)), light(under)].sort((a, b) => b - a);
      const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
      const ratio = (high + 0.05) / (low + 0.05), what = `${e.tagName.toLowerCase()}.${e.getAttribute("class")}`;
      if (ratio < (large ? 3 : 4.5)) found.set(what, `contrast ${ratio.toFixed(2)} of ${what}: ${text.slice(0, 30)}`);
    }
    return [...found.values()];
  },

  rules: async () => {
    const rules = {"scrollable-region-focusable": {enabled: false}, "color-contrast": {enabled: false}};
    const {violations} = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa"], rules});
    return violations.flatMap(v => v.nodes.slice(0, 3).map(n => `${v.id}: ${n.html.slice(0, 120)}`));
  },
};
