// A read-out of percentile curves with one crosshair for all of them, and families that can be dimmed. Everything on the
// page can be read without it.
(() => {
  'use strict';
  const charts = [...document.querySelectorAll('svg[data-curves]')].map(svg => {
    const [place, ...curves] = svg.dataset.curves.split('|');
    const [left, right, top, bottom, step, width] = place.split(' ').map(Number);
    const read = curve => {
      const [name, times] = curve.split(';');
      return { name, times: times.split(' ').map(Number) };
    };
    return { svg, left, right, top, bottom, step, width, curves: curves.map(read) };
  });
  if (charts.length) {
    const last = Math.max(...charts.flatMap(c => c.curves.map(k => (k.times.length - 1) * c.step)));
    let at = null;
    const digits = v => v >= 99.95 ? v.toFixed(0) : v >= 9.995 ? v.toFixed(1) : v.toFixed(2);
    const time = ns => {
      const [unit, by] = ns >= 1e9 ? ['s', 1e9] : ns >= 1e6 ? ['ms', 1e6] : ns >= 1e3 ? ['µs', 1e3] : ['ns', 1];
      return `${digits(ns / by)} ${unit}`;
    };
    const percentile = nines => {
      const percent = 100 * (1 - 10 ** -nines);
      return `p${+percent.toFixed(Math.max(0, Math.ceil(nines) - 1))}`;
    };
    for (const chart of charts) {
      const cross = chart.svg.querySelector('path').cloneNode(false);
      cross.removeAttribute('d');
      cross.setAttribute('class', 's k-text cross');
      chart.svg.append(cross);
      const readout = document.createElement('p');
      readout.className = 'readout';
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
        const each = chart.curves.map(k => [k.name, k.times[Math.round(at / chart.step)]]);
        const known = each.filter(([, ns]) => ns !== undefined).sort((a, b) => a[1] - b[1]);
        readout.textContent = `${percentile(at)}: ${known.map(([name, ns]) => `${name} ${time(ns)}`).join(', ')}`;
      };
      const move = to => {
        at = to === null ? null : Math.min(Math.max(Math.round(to / chart.step) * chart.step, 0), last);
        charts.forEach(other => other.show());
      };
      chart.svg.addEventListener('pointermove', event => {
        const box = chart.svg.getBoundingClientRect();
        const x = (event.clientX - box.left) / box.width * chart.svg.viewBox.baseVal.width;
        const inside = x >= chart.left && x <= chart.right;
        move(inside ? (x - chart.left) / (chart.right - chart.left) * width : null);
      });
      chart.svg.addEventListener('pointerleave', () => move(null));
      chart.svg.setAttribute('tabindex', '0');
      chart.svg.addEventListener('focus', () => { if (at === null) move(0); });
      chart.svg.addEventListener('blur', () => move(null));
      chart.svg.addEventListener('keydown', event => {
        const steps = { ArrowLeft: -1, ArrowRight: 1, PageDown: -5, PageUp: 5, Home: -Infinity, End: Infinity };
        if (event.key === 'Escape') return move(null);
        if (!(event.key in steps)) return;
        event.preventDefault();
        move(Math.min(Math.max((at ?? 0) + steps[event.key] * chart.step, 0), width));
      });
    }
  }
  const tools = document.querySelector('.tools');
  if (tools) {
    const families = ['async', 'threads', 'hybrid', 'external'].filter(f => document.querySelector(`main .k-${f}`));
    if (families.length > 1) {
      for (const family of families) {
        const button = document.createElement('button');
        button.type = 'button';
        button.textContent = family;
        button.className = `b-${family}`;
        button.setAttribute('aria-pressed', 'true');
        button.addEventListener('click', () => {
          const dimmed = document.body.classList.toggle(`dim-${family}`);
          button.setAttribute('aria-pressed', String(!dimmed));
        });
        tools.append(button);
      }
      tools.hidden = false;
    }
  }
})();
