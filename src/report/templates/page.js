// What answers the pointer: figures of every chart, one crosshair for all curves, lanes that zoom, models that can be
// switched off, tables that can be sorted, charts that can be saved. Everything on the page can be read without it.
(() => {
  'use strict';
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (name, className, text = '') => {
    const element = document.createElement(name);
    element.className = className;
    element.textContent = text;
    return element;
  };
  const digits = v => v >= 99.95 ? v.toFixed(0) : v >= 9.995 ? v.toFixed(1) : v.toFixed(2);
  const unitOf = ns => ns >= 1e9 ? ['s', 1e9] : ns >= 1e6 ? ['ms', 1e6] : ns >= 1e3 ? ['µs', 1e3] : ['ns', 1];
  const time = ns => {
    const [unit, by] = unitOf(ns);
    return `${digits(ns / by)} ${unit}`;
  };
  const isModified = event => event.ctrlKey || event.metaKey || event.altKey;
  /** The place of a pointer in the units of an SVG's view box. */
  const place = (svg, event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
  };

  // A text beside what the pointer or the keyboard is on.
  const tip = make('div', 'tip');
  tip.setAttribute('role', 'status');
  tip.hidden = true;
  document.body.append(tip);
  const hide = () => { tip.hidden = true; };
  const show = (text, x, y) => {
    tip.textContent = text;
    tip.hidden = false;
    const left = Math.min(x + 12, innerWidth - tip.offsetWidth - 8);
    const top = y + 16 + tip.offsetHeight > innerHeight ? y - tip.offsetHeight - 8 : y + 16;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${Math.max(8, top)}px`;
  };

  // The models that are switched off, kept in the address: #section;hide=async/2,threads
  const decoded = text => {
    try { return decodeURIComponent(text); } catch { return text; }
  };
  const [begin, ...options] = location.hash.slice(1).split(';');
  const option = options.find(text => text.startsWith('hide='));
  const off = new Set(option ? option.slice(5).split(',').filter(Boolean).map(decoded) : []);
  let section = begin;
  const switches = all('[data-model]');
  const models = switches.map(item => item.dataset.model);
  const keep = () => {
    const hidden = off.size ? `;hide=${[...off].map(encodeURIComponent).join(',')}` : '';
    history.replaceState(null, '', section || hidden ? `#${section}${hidden}` : location.pathname + location.search);
  };
  const base = name => name.replace(/ \(control\)$/, '').split(', ')[0];
  const apply = () => {
    for (const marked of all('[data-m]')) marked.classList.toggle('off', off.has(base(marked.dataset.m)));
    for (const item of switches) {
      item.firstElementChild?.setAttribute('aria-pressed', String(!off.has(item.dataset.model)));
    }
  };
  const set = change => { change(); apply(); keep(); };
  /** Switches all other models off, or all on again if they are off already. */
  const isolate = name => set(() => {
    const others = models.filter(other => other !== name);
    const isAlone = others.every(other => off.has(other)) && !off.has(name);
    off.clear();
    if (!isAlone) others.forEach(other => off.add(other));
  });
  for (const item of switches) {
    const name = item.dataset.model;
    const button = make('button', '', name);
    button.type = 'button';
    button.title = `${item.title}. Click: on or off; double-click: only this model.`;
    button.addEventListener('click', () => set(() => off.has(name) ? off.delete(name) : off.add(name)));
    button.addEventListener('dblclick', () => isolate(name));
    item.replaceChildren(button);
  }
  for (const link of all('nav.side a[href^="#"]')) {
    link.addEventListener('click', event => {
      const target = document.getElementById(link.hash.slice(1));
      if (!target || isModified(event)) return;
      event.preventDefault();
      section = link.hash.slice(1);
      target.scrollIntoView();
      target.tabIndex = -1;
      target.focus({ preventScroll: true });
      keep();
    });
  }
  if (switches.length) {
    apply();
    if (off.size && section) document.getElementById(section)?.scrollIntoView();
  }

  // Areas that answer: their titles become tips, and the arrow keys walk through those of a chart.
  for (const svg of all('svg.chart')) {
    const hits = all('.hit', svg);
    if (!hits.length) continue;
    for (const hit of hits) {
      const title = hit.querySelector('title');
      hit.dataset.tip = title.textContent;
      title.remove();
    }
    const on = (hit, x, y) => {
      hits.forEach(other => other.classList.toggle('at', other === hit));
      if (hit) show(hit.dataset.tip, x, y); else hide();
    };
    svg.addEventListener('pointermove', event => {
      const hit = event.target.closest('.hit');
      if (hit || !svg.dataset.curves) on(hit, event.clientX, event.clientY);
    });
    svg.addEventListener('pointerleave', () => on(null));
    svg.addEventListener('click', event => {
      const hit = event.target.closest('.hit');
      if (event.pointerType === 'touch') return on(hit, event.clientX, event.clientY);
      if (hit && models.length > 1) isolate(base(hit.dataset.m));
    });
    if (svg.dataset.lanes) continue;
    svg.setAttribute('tabindex', '0');
    let at = -1;
    svg.addEventListener('keydown', event => {
      if (isModified(event)) return;
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (event.key === 'Escape') {
        at = -1;
        return on(null);
      }
      if (event.key === 'Enter' && at >= 0 && models.length > 1) return isolate(base(hits[at].dataset.m));
      if (!step) return;
      event.preventDefault();
      const seen = hits.map((hit, k) => k).filter(k => !hits[k].classList.contains('off'));
      if (!seen.length) return;
      const now = seen.indexOf(at);
      at = seen[now < 0 ? (step > 0 ? 0 : seen.length - 1) : (now + step + seen.length) % seen.length];
      const box = hits[at].getBoundingClientRect();
      on(hits[at], box.right, box.top + box.height / 2);
    });
    svg.addEventListener('blur', () => { at = -1; on(null); });
  }

  // Percentile curves: one crosshair for all of them.
  const charts = all('svg[data-curves]').map(svg => {
    const [frame, ...curves] = svg.dataset.curves.split('|');
    const [left, right, top, bottom, step, width] = frame.split(' ').map(Number);
    const read = curve => {
      const [name, times] = curve.split(';');
      return { name, times: times.split(' ').map(Number) };
    };
    return { svg, left, right, top, bottom, step, width, curves: curves.map(read) };
  });
  if (charts.length) {
    const last = Math.max(...charts.flatMap(c => c.curves.map(k => (k.times.length - 1) * c.step)));
    let at = null;
    const percentile = nines => {
      const percent = 100 * (1 - 10 ** -nines);
      return `p${+percent.toFixed(Math.max(0, Math.ceil(nines) - 1))}`;
    };
    for (const chart of charts) {
      const cross = chart.svg.querySelector('path').cloneNode(false);
      cross.removeAttribute('d');
      cross.setAttribute('class', 's k-text cross');
      chart.svg.append(cross);
      const readout = make('p', `readout ${chart.svg.classList.contains('wide') ? 'wide' : 'narrow'}`);
      readout.setAttribute('role', 'status');
      chart.svg.after(readout);
      const { width } = chart;
      chart.show = () => {
        if (at === null || at > width + 1e-9) {
          cross.removeAttribute('d');
          readout.textContent = '';
          return;
        }
        const x = chart.left + at / width * (chart.right - chart.left);
        cross.setAttribute('d', `M${x} ${chart.top}L${x} ${chart.bottom}`);
        const each = chart.curves.filter(k => !off.has(k.name)).map(k => [k.name, k.times[Math.round(at / chart.step)]]);
        const known = each.filter(([, ns]) => ns !== undefined).sort((a, b) => a[1] - b[1]);
        readout.textContent = `${percentile(at)}: ${known.map(([name, ns]) => `${name} ${time(ns)}`).join(', ')}`;
      };
      const move = to => {
        at = to === null ? null : Math.min(Math.max(Math.round(to / chart.step) * chart.step, 0), last);
        charts.forEach(other => other.show());
      };
      chart.svg.addEventListener('pointermove', event => {
        const { x } = place(chart.svg, event);
        const inside = x >= chart.left && x <= chart.right;
        move(inside ? (x - chart.left) / (chart.right - chart.left) * width : null);
      });
      chart.svg.addEventListener('pointerleave', () => move(null));
      chart.svg.setAttribute('tabindex', '0');
      chart.svg.addEventListener('focus', () => { if (at === null) move(0); });
      chart.svg.addEventListener('blur', () => move(null));
      chart.svg.addEventListener('keydown', event => {
        if (isModified(event)) return;
        const steps = { ArrowLeft: -1, ArrowRight: 1, PageDown: -5, PageUp: 5, Home: -Infinity, End: Infinity };
        if (event.key === 'Escape') return move(null);
        if (!(event.key in steps)) return;
        event.preventDefault();
        move(Math.min(Math.max((at ?? 0) + steps[event.key] * chart.step, 0), width));
      });
    }
  }

  // Lanes: the wheel zooms, dragging pans. The data are those of the rows that are drawn.
  const KINDS = { r: 'executing', c: 'computing', b: 'blocked, holds its thread', w: 'waits, holds its thread', y: 'ready, but no thread has come to it' };
  for (const svg of all('svg[data-lanes]')) {
    const [frame, ...panels] = svg.dataset.lanes.split('|');
    const [left, right, until, bottom] = frame.split(' ').map(Number);
    const rows = panels.flatMap(panel => {
      const [head, ...lines] = panel.split(';');
      const [top, row, model] = head.split(' ');
      return lines.map((line, k) => {
        let start = 0;
        const spans = line ? line.split(' ').map(text => {
          const [, job, kind, after, length] = /^(\d+)([a-z])(-?\d+)\+(\d+)$/.exec(text);
          start += Number(after) * 100;
          return { job: Number(job), kind, start, end: start + Number(length) * 100 };
        }) : [];
        return { model, top: Number(top) + row * k + 1, height: row - 3, spans };
      });
    });
    const still = svg.querySelector('.still');
    const drawn = still.cloneNode(false);
    drawn.removeAttribute('class');
    still.after(drawn);
    let [from, to] = [0, until];
    const at = ns => left + (ns - from) / (to - from) * (right - left);
    const element = (name, attributes, text, within = drawn) => {
      const made = document.createElementNS(svg.namespaceURI, name);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      if (text) made.textContent = text;
      within.append(made);
      return made;
    };
    const ticks = () => {
      const rough = (to - from) / 7;
      const power = 10 ** Math.floor(Math.log10(rough));
      const step = [1, 2, 5, 10].map(n => n * power).find(n => n >= rough);
      const [unit, by] = unitOf(to);
      const decimals = Math.max(0, Math.ceil(-Math.log10(step / by) - 1e-9));
      for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) {
        const x = at(tick).toFixed(1);
        element('path', { class: 's k-grid', d: `M${x} 22V${bottom}` });
        element('text', { class: 'f k-muted', x, y: bottom + 18, 'font-size': 12, 'text-anchor': 'middle' }, tick ? `${(tick / by).toFixed(decimals)} ${unit}` : '0');
      }
    };
    const draw = () => {
      const isWhole = from <= 0 && to >= until;
      still.style.display = isWhole ? '' : 'none';
      drawn.replaceChildren();
      if (isWhole) return;
      ticks();
      for (const { model, top, height, spans } of rows) {
        const group = element('g', { 'data-m': model });
        for (const held of [false, true]) {
          // What is executed lies below what waits within it.
          const fills = new Map();
          const add = (name, path) => fills.set(name, (fills.get(name) ?? '') + path);
          let end = -1;
          for (const span of spans) {
            const isHeld = span.kind === 'b' || span.kind === 'w';
            if (span.kind === 'y' || span.kind === 'c' || isHeld !== held || span.end < from || span.start > to) continue;
            const x0 = Math.max(at(span.start), left);
            const x1 = Math.min(Math.max(at(span.end), x0 + .6), right);
            // What is smaller than a third of a pixel is folded into its neighbour.
            if (x1 - end < .3) continue;
            end = x1;
            const box = `M${x0.toFixed(1)} ${top}H${x1.toFixed(1)}V${top + height}H${x0.toFixed(1)}z`;
            if (held) {
              add('f k-ground', box);
              add(`f k-j${span.job % 6} tint`, box);
              add('s hatch', `M${x0.toFixed(1)} ${top + height / 2}H${x1.toFixed(1)}`);
            } else add(`f k-j${span.job % 6}`, box);
          }
          const rank = name => name.endsWith('ground') ? 0 : name.startsWith('s') ? 2 : 1;
          for (const [name, d] of [...fills].sort(([a], [b]) => rank(a) - rank(b))) {
            element('path', name.startsWith('s') ? { class: name, 'stroke-width': height, d } : { class: name, d }, '', group);
          }
        }
      }
      apply();
    };
    const zoom = (by, around) => {
      const length = Math.min(Math.max((to - from) * by, 1000), until);
      from = Math.min(Math.max(around - (around - from) / (to - from) * length, 0), until - length);
      to = from + length;
      draw();
    };
    const pan = by => {
      const length = to - from;
      from = Math.min(Math.max(from + by, 0), until - length);
      to = from + length;
      draw();
    };
    const reset = () => { [from, to] = [0, until]; draw(); };
    const when = event => from + (place(svg, event).x - left) / (right - left) * (to - from);
    svg.setAttribute('tabindex', '0');
    svg.addEventListener('wheel', event => {
      if (document.activeElement !== svg && !event.ctrlKey) return;
      event.preventDefault();
      zoom(event.deltaY > 0 ? 1.25 : .8, when(event));
    }, { passive: false });
    let grip = null;
    svg.addEventListener('pointerdown', event => {
      if (event.button !== 0) return;
      grip = event.clientX;
      svg.setPointerCapture(event.pointerId);
    });
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture']) svg.addEventListener(end, () => { grip = null; });
    svg.addEventListener('dblclick', reset);
    svg.addEventListener('pointermove', event => {
      if (grip !== null) {
        const scale = svg.viewBox.baseVal.width / svg.getBoundingClientRect().width;
        pan((grip - event.clientX) * scale / (right - left) * (to - from));
        grip = event.clientX;
        return hide();
      }
      const { y } = place(svg, event);
      const now = when(event);
      const slack = (to - from) / (right - left);
      const row = rows.find(({ top, height }) => y >= top - 1 && y <= top + height + 1);
      const found = (row?.spans ?? []).filter(span => span.start - slack <= now && span.end + slack >= now)
        .sort((a, b) => (a.end - a.start) - (b.end - b.start))[0];
      if (!found) return hide();
      const length = time(found.end - found.start);
      show(`job ${found.job}: ${KINDS[found.kind]}, ${length} from ${time(found.start)}`, event.clientX, event.clientY);
    });
    svg.addEventListener('pointerleave', hide);
    svg.addEventListener('keydown', event => {
      if (isModified(event)) return;
      const keys = {
        '+': () => zoom(.5, (from + to) / 2), '=': () => zoom(.5, (from + to) / 2), '-': () => zoom(2, (from + to) / 2),
        ArrowLeft: () => pan((from - to) / 4), ArrowRight: () => pan((to - from) / 4), 0: reset, Home: reset, Escape: reset,
      };
      if (!keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });
    const note = make('p', 'readout wide', 'Click the lanes, then: wheel or + and − zoom, drag or ← and → pan, double-click resets.');
    svg.after(note);
  }

  // Histograms: the rows of all models over each other.
  for (const svg of all('svg[data-overlay]')) {
    const names = [...new Set(all('g[data-m]', svg).map(group => group.dataset.m))];
    if (names.length < 2) continue;
    const row = Number(svg.dataset.overlay);
    const button = make('button', 'save wide', 'Overlay the rows');
    button.type = 'button';
    button.setAttribute('aria-pressed', 'false');
    button.addEventListener('click', () => {
      const isOver = button.getAttribute('aria-pressed') === 'false';
      button.setAttribute('aria-pressed', String(isOver));
      for (const marked of all('[data-m]', svg)) {
        const down = (names.length - 1 - names.indexOf(marked.dataset.m)) * row;
        if (isOver) marked.setAttribute('transform', `translate(0 ${down})`); else marked.removeAttribute('transform');
        for (const text of all('text', marked)) text.style.display = isOver ? 'none' : '';
      }
    });
    svg.after(button);
  }

  // Tables: a click on a heading sorts.
  const UNITS = { ns: 1, µs: 1e3, ms: 1e6, s: 1e9, min: 6e10, B: 1, KiB: 1024, MiB: 1048576, GiB: 1073741824, '%': 1 };
  const first = cell => (cell?.firstChild?.textContent ?? '').trim();
  const value = (cell, heading) => {
    const text = first(cell);
    const found = /^(?:[≥≤] |about )?([-+−]?)([\d,]+(?:\.\d+)?)\s*([^\s\d]*)/.exec(text);
    if (!found) return null;
    const number = Number(found[2].replaceAll(',', '')) * (found[1] === '-' || found[1] === '−' ? -1 : 1);
    // A change beyond twice is written as a multiple, a smaller one in percent.
    return found[3] === '×' && heading.textContent.startsWith('change') ? (number - 1) * 100 : number * (UNITS[found[3]] ?? 1);
  };
  for (const table of all('table.figures, table.which, table.claims')) {
    const body = table.tBodies[0];
    const before = [...body.rows];
    if (before.length < 2) continue;
    all('thead th', table).forEach((heading, column) => {
      const button = make('button', 'sort');
      button.type = 'button';
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener('click', () => {
        const is = heading.getAttribute('aria-sort');
        const to = is === 'ascending' ? 'descending' : is === 'descending' ? null : 'ascending';
        all('thead th', table).forEach(other => other.removeAttribute('aria-sort'));
        if (to) heading.setAttribute('aria-sort', to);
        const sign = to === 'descending' ? -1 : 1;
        const key = row => value(row.cells[column], heading);
        const compare = (a, b) => {
          const [x, y] = [key(a), key(b)];
          if (x === null || y === null) {
            if (x !== y) return x === null ? 1 : -1;
            return sign * first(a.cells[column]).localeCompare(first(b.cells[column]));
          }
          return sign * (x - y);
        };
        body.append(...(to ? before.toSorted(compare) : before));
      });
    });
  }

  // Charts: a link that saves one, with the colours that the page gives it.
  const KEPT = ['display', 'fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-opacity', 'fill-opacity', 'opacity', 'font-weight', 'font-family', 'paint-order'];
  for (const figure of all('figure')) {
    const charts = all('svg.chart', figure);
    if (!charts.length) continue;
    const button = make('button', 'save', 'Save as SVG');
    button.type = 'button';
    button.addEventListener('click', () => {
      const svg = charts.find(chart => chart.getBoundingClientRect().width > 0) ?? charts[0];
      const copy = svg.cloneNode(true);
      const [from, to] = [svg, copy].map(one => [one, ...all('*', one)]);
      from.forEach((original, k) => {
        const style = getComputedStyle(original);
        to[k].setAttribute('style', KEPT.map(name => `${name}:${style.getPropertyValue(name)}`).join(';'));
      });
      all('.hit', copy).forEach(hit => hit.remove());
      copy.setAttribute('xmlns', svg.namespaceURI);
      copy.setAttribute('width', svg.viewBox.baseVal.width);
      copy.setAttribute('height', svg.viewBox.baseVal.height);
      copy.style.background = getComputedStyle(document.body).backgroundColor;
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copy)], { type: 'image/svg+xml' }));
      link.download = `${(svg.querySelector('title')?.textContent ?? 'chart').replace(/[^\w]+/g, '-').slice(0, 60)}.svg`;
      link.click();
      URL.revokeObjectURL(link.href);
    });
    figure.append(button);
  }
})();
