// Makes a folded `figure.timeline` of each packed timeline of a page, and draws every such figure from its data when it comes into view.
// No request is made.
"use strict";
(() => {
  const PLOT = 120; // pixels: the height of a track's curves, of a lane, of the axis; what names at the left take
  const LANE = 18;
  const AXIS = 22;
  const LEFT = 112;
  const STEPS = 4095;
  const SECONDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 86400];
  const drawn = new Map();
  const dataOf = new Map(); // of each figure
  const night = window.matchMedia("(prefers-color-scheme: dark)");

  // What deflated bytes in base64 hold.
  function inflate(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")));
  }

  async function unpack(packed) {
    if (!packed) return null;
    const halves = new Uint8Array(await inflate(packed.data).arrayBuffer());
    const n = halves.length / 2;
    const values = new Float32Array(n);
    let height = 0;
    for (let i = 0; i < n; i++) {
      height = (height + halves[i] + (halves[n + i] << 8)) & 65535;
      values[i] = height ? packed.low + ((height - 1) / (STEPS - 1)) * (packed.high - packed.low) : NaN;
    }
    return values;
  }

  function clock(place) {
    const seconds = +place.toFixed(3);
    if (seconds < 60) return `${seconds} s`;
    const whole = Math.floor(seconds);
    const rest = (seconds % 1).toFixed(3).slice(1).replace(/\.?0+$/, "");
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
    return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(whole % 60)}${rest}`;
  }

  const make = (name, attributes = {}, text = "") => {
    const element = Object.assign(document.createElement(name), { textContent: text });
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };

  const short = (value) => (Number.isNaN(value) ? "–" : String(+value.toPrecision(3)));

  class Timeline {
    constructor(figure) {
      this.figure = figure;
      this.data = dataOf.get(figure);
      const { n, fps, times } = this.data;
      if (times) {
        let sum = 0;
        this.times = Float64Array.from(times, (step) => (sum += step) / 1000);
      }
      this.unit = this.times || fps ? "s" : "frame";
      this.start = this.at(0);
      this.end = this.at(n);
      this.view = [this.start, this.end];
      this.cursor = 0;
      this.lanes = [];
      for (const track of this.data.tracks) for (const lane of track.lanes) this.lanes.push([track.name, lane]);
      for (const lane of this.data.lanes) this.lanes.push(["", lane]);
      this.spans = this.lanes.flatMap(([, lane]) => lane.spans).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      this.build();
      this.ready = this.load();
    }

    async load() {
      for (const track of this.data.tracks) {
        for (const curve of track.curves) {
          [curve.raw, curve.smooth] = await Promise.all([unpack(curve.scores), unpack(curve.smoothed)]);
        }
        const parts = track.curves.flatMap((c) => [c.scores, c.smoothed].filter(Boolean));
        const levels = track.curves.map((c) => c.level).filter((level) => level !== null);
        track.low = Math.min(...parts.map((p) => p.low), ...levels);
        track.high = Math.max(...parts.map((p) => p.high), ...levels);
        if (!(track.high > track.low)) [track.low, track.high] = [Number.isFinite(track.low) ? track.low - 0.5 : 0, Number.isFinite(track.low) ? track.low + 0.5 : 1];
      }
      new ResizeObserver(() => this.draw()).observe(this.stage);
      this.draw();
      this.tell();
      this.figure.dataset.drawn = "";
    }

    build() {
      const bar = make("div", { class: "tools", role: "group", "aria-label": `Zoom of ${this.data.title}` });
      for (const [words, label, act] of [
        ["−", "zoom out", () => this.zoom(2)],
        ["+", "zoom in", () => this.zoom(0.5)],
        ["whole", "the whole video", () => this.show(this.start, this.end)],
        ["‹", "interval before", () => this.step(-1)],
        ["›", "next interval", () => this.step(1)],
      ]) {
        const button = make("button", { type: "button", "aria-label": label, title: label }, words);
        button.addEventListener("click", act);
        bar.append(button);
      }
      this.stage = make("div", {
        class: "stage",
        role: "slider",
        tabindex: "0",
        "aria-label": `Frame of ${this.data.title}. Arrows move it, plus and minus zoom, n and p go to intervals`,
        "aria-valuemin": "0",
        "aria-valuemax": String(Math.max(this.data.n - 1, 0)),
        "aria-valuenow": "0",
      });
      this.canvas = make("canvas", { "aria-hidden": "true" });
      this.height = this.data.tracks.filter((t) => t.curves.length).length * PLOT + this.lanes.length * LANE + AXIS;
      this.stage.style.height = `${this.height}px`;
      this.words = make("div", { class: "words" });
      this.stage.append(this.canvas);
      this.figure.append(bar, this.stage, this.words);
      this.listen();
      this.tell();
    }

    listen() {
      let grab = null;
      const place = (event) => event.clientX - this.stage.getBoundingClientRect().left;
      this.stage.addEventListener("pointermove", (event) => {
        if (grab && Math.abs(event.clientX - grab.x) > 3) {
          const by = ((grab.x - event.clientX) / this.width()) * (grab.view[1] - grab.view[0]);
          this.show(grab.view[0] + by, grab.view[1] + by);
        } else this.point(this.frame(this.under(place(event))));
      });
      this.stage.addEventListener("pointerdown", (event) => {
        grab = event.pointerType === "mouse" ? { x: event.clientX, view: [...this.view] } : null;
      });
      window.addEventListener("pointerup", () => (grab = null));
      this.stage.addEventListener("dblclick", (event) => this.zoom(1 / 3, this.under(place(event))));
      this.stage.addEventListener(
        "wheel",
        (event) => {
          if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
          event.preventDefault();
          this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.under(place(event)));
        },
        { passive: false },
      );
      this.stage.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const by = event.shiftKey ? 10 : 1;
        const act = {
          ArrowRight: () => this.point(this.cursor + by, true),
          ArrowLeft: () => this.point(this.cursor - by, true),
          ArrowUp: () => this.point(this.cursor + 10 * by, true),
          ArrowDown: () => this.point(this.cursor - 10 * by, true),
          Home: () => this.point(0, true),
          End: () => this.point(this.data.n - 1, true),
          "+": () => this.zoom(0.5),
          "=": () => this.zoom(0.5),
          "-": () => this.zoom(2),
          0: () => this.show(this.start, this.end),
          n: () => this.step(1),
          p: () => this.step(-1),
        }[event.key];
        if (!act) return;
        event.preventDefault();
        act();
      });
    }

    // Where a frame begins: in seconds, or in frames where nobody knows how long one lasts.
    at(frame) {
      const { n, fps } = this.data;
      if (!this.times) return fps ? frame / fps : frame;
      if (frame < n) return this.times[Math.max(frame, 0)];
      const last = this.times[n - 1];
      return last + (n > 1 ? (last - this.times[0]) / (n - 1) : 0.04);
    }

    frame(place) {
      const { n, fps } = this.data;
      if (!this.times) return Math.floor((fps ? place * fps : place) + 1e-6);
      let [low, high] = [0, n];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (this.times[middle] <= place) low = middle;
        else high = middle;
      }
      return low;
    }

    width = () => Math.max(this.stage.clientWidth - LEFT, 1);
    x = (place) => LEFT + ((place - this.view[0]) / (this.view[1] - this.view[0])) * this.width();
    under = (x) => this.view[0] + ((x - LEFT) / this.width()) * (this.view[1] - this.view[0]);

    show(from, to) {
      const least = Math.min(((this.end - this.start) / Math.max(this.data.n, 1)) * 8, this.end - this.start);
      const wide = Math.min(Math.max(to - from, least), this.end - this.start);
      const left = Math.min(Math.max(from, this.start), this.end - wide);
      this.view = [left, left + wide];
      this.draw();
    }

    zoom(factor, around = this.at(this.cursor)) {
      const [from, to] = this.view;
      const still = Math.min(Math.max(around, from), to);
      this.show(still - (still - from) * factor, still + (to - still) * factor);
    }

    point(frame, follow = false) {
      this.cursor = Math.min(Math.max(frame, 0), Math.max(this.data.n - 1, 0));
      const place = this.at(this.cursor);
      const wide = this.view[1] - this.view[0];
      if (follow && (place < this.view[0] || place > this.view[1])) this.show(place - wide / 2, place + wide / 2);
      else this.draw();
      this.tell();
    }

    step(by) {
      const onsets = [...new Set(this.spans.map((span) => Math.max(span[0], 0)))];
      const next = by > 0 ? onsets.find((o) => o > this.cursor) : onsets.findLast((o) => o < this.cursor);
      if (next !== undefined) this.point(next, true);
    }

    reveal(onset, offset) {
      const [from, to] = [this.at(Math.max(onset, 0)), this.at(Math.min(offset + 1, this.data.n))];
      const around = Math.max(3 * (to - from), (this.end - this.start) / 40);
      this.show(from - around, to + around);
      this.point(Math.floor((onset + offset) / 2));
      this.stage.focus({ preventScroll: true });
    }

    // What is to be said of the frame at the cursor.
    tell() {
      const at = this.cursor;
      const { n, fps, first, tracks } = this.data;
      const lines = [`at the cursor: frame ${at} of ${n}${first ? `, file ${at + first}` : ""}${this.unit === "s" ? `, ${clock(this.at(at))}` : ""}`];
      for (const track of tracks) {
        const scores = track.curves
          .filter((curve) => curve.raw)
          .map((curve) => {
            const smooth = curve.smooth ? `, smoothed${curve.baseline ? " less median" : ""} ${short(curve.smooth[at] ?? NaN)}` : "";
            const level = curve.level === null ? "" : `, threshold ${short(curve.level)}`;
            return `${curve.kind} score ${short(curve.raw[at] ?? NaN)}${smooth}${level}`;
          });
        if (scores.length) lines.push([track.name, scores.join("; ")].filter(Boolean).join(": "));
      }
      for (const [track, lane] of this.lanes) {
        for (const [onset, offset, apex, , , words] of lane.spans) {
          if (onset > at || at > offset) continue;
          const peak = apex === null ? "" : `, ${lane.spotted ? "peak" : "apex"} ${apex}`;
          lines.push(`${[track, lane.name].filter(Boolean).join(", ")}: ${words} (frames ${onset} to ${offset}${peak})`);
        }
      }
      for (const [from, to, words] of this.data.hidden) if (from <= at && at <= to) lines.push(words);
      for (const [frame, words] of this.data.marks) if (frame === at) lines.push(words);
      this.words.replaceChildren(...lines.map((line) => Object.assign(document.createElement("span"), { textContent: line })));
      this.stage.setAttribute("aria-valuenow", String(at));
      this.stage.setAttribute("aria-valuetext", lines.join(". "));
    }

    draw() {
      const width = this.stage.clientWidth;
      if (!width) return;
      const ratio = window.devicePixelRatio || 1;
      Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(this.height * ratio) });
      const pen = this.canvas.getContext("2d");
      pen.scale(ratio, ratio);
      const style = getComputedStyle(this.figure);
      const color = (name) => style.getPropertyValue(`--${name}`).trim();
      const ink = { micro: color("micro"), macro: color("macro"), text: color("text"), rule: color("rule") };
      const fill = { right: color("right"), wrong: color("wrong"), open: color("open") };
      pen.font = "12px system-ui, sans-serif";
      pen.textBaseline = "middle";
      let top = 0;
      for (const track of this.data.tracks) {
        if (track.curves.length) this.plot(pen, track, top, ink);
        else if (track.name && track.lanes.length) this.name(pen, track.name, top, ink.text, true);
        if (track.curves.length) top += PLOT;
        for (const lane of track.lanes) top = this.row(pen, lane, top, ink, fill);
      }
      for (const lane of this.data.lanes) top = this.row(pen, lane, top, ink, fill);
      pen.save();
      pen.beginPath();
      pen.rect(LEFT, 0, width - LEFT, this.height);
      pen.clip();
      pen.fillStyle = color("veil");
      for (const [from, to] of this.data.hidden) {
        pen.fillRect(this.x(this.at(from)), 0, this.x(this.at(to + 1)) - this.x(this.at(from)), top);
      }
      this.breaks(pen, top, ink);
      this.axis(pen, top, ink);
      pen.strokeStyle = ink.text;
      pen.lineWidth = 1;
      const cursor = (this.x(this.at(this.cursor)) + this.x(this.at(this.cursor + 1))) / 2;
      pen.beginPath();
      pen.moveTo(cursor, 0);
      pen.lineTo(cursor, top);
      pen.stroke();
      pen.restore();
    }

    // Frames that do not follow the one before.
    breaks(pen, bottom, ink) {
      pen.strokeStyle = ink.text;
      pen.lineWidth = 1.5;
      pen.setLineDash([2, 3]);
      for (const [frame] of this.data.marks) {
        const x = this.x(this.at(frame));
        pen.beginPath();
        pen.moveTo(x, 0);
        pen.lineTo(x, bottom);
        pen.stroke();
      }
      pen.setLineDash([]);
    }

    name(pen, words, y, color) {
      pen.fillStyle = color;
      pen.textAlign = "left";
      let text = words;
      while (text.length > 1 && pen.measureText(text).width > LEFT - 12) text = `${text.slice(0, text.endsWith("…") ? -2 : -1)}…`;
      pen.fillText(text, 8, y);
    }

    plot(pen, track, top, ink) {
      const wide = this.width();
      const y = (value) => top + PLOT - 8 - ((value - track.low) / (track.high - track.low)) * (PLOT - 16);
      this.name(pen, track.name, top + PLOT / 2, ink.text);
      pen.textAlign = "right";
      pen.fillStyle = ink.text;
      for (const value of [track.low, track.high]) pen.fillText(short(value), LEFT - 8, y(value));
      pen.strokeStyle = ink.rule;
      pen.lineWidth = 1;
      pen.strokeRect(LEFT + 0.5, top + 0.5, wide - 1, PLOT - 1);
      pen.save();
      pen.beginPath();
      pen.rect(LEFT, top, wide, PLOT);
      pen.clip();
      for (const curve of track.curves) {
        pen.strokeStyle = ink[curve.kind];
        pen.globalAlpha = curve.smooth ? 0.45 : 1;
        pen.lineWidth = curve.smooth ? 0.8 : 1.5;
        this.line(pen, curve.raw, y);
        pen.globalAlpha = 1;
        pen.lineWidth = 1.6;
        if (curve.smooth) this.line(pen, curve.smooth, y);
        if (curve.level === null) continue;
        pen.setLineDash([5, 4]);
        pen.lineWidth = 1.1;
        pen.beginPath();
        pen.moveTo(LEFT, y(curve.level));
        pen.lineTo(LEFT + wide, y(curve.level));
        pen.stroke();
        pen.setLineDash([]);
      }
      pen.restore();
    }

    // Of many frames the lowest and the highest of each pixel are drawn.
    line(pen, values, y) {
      if (!values) return;
      const first = Math.max(this.frame(this.view[0]) - 1, 0);
      const last = Math.min(this.frame(this.view[1]) + 1, values.length - 1);
      const middle = (i) => (this.x(this.at(i)) + this.x(this.at(i + 1))) / 2;
      const step = Math.max(1, Math.floor((last - first) / (2 * this.width())));
      let down = false;
      pen.beginPath();
      const put = (i) => {
        if (down) pen.lineTo(middle(i), y(values[i]));
        else pen.moveTo(middle(i), y(values[i]));
        down = true;
      };
      for (let i = first; i <= last; i += step) {
        let [low, high] = [-1, -1];
        for (let j = i; j < i + step && j <= last; j++) {
          if (Number.isNaN(values[j])) continue;
          if (low < 0 || values[j] < values[low]) low = j;
          if (high < 0 || values[j] > values[high]) high = j;
        }
        if (low < 0) down = false;
        else {
          put(Math.min(low, high));
          if (low !== high) put(Math.max(low, high));
        }
      }
      pen.stroke();
    }

    row(pen, lane, top, ink, fill) {
      const bottom = top + LANE;
      this.name(pen, lane.name, top + LANE / 2 + 1, lane.kind ? ink[lane.kind] : ink.text);
      pen.fillStyle = ink.rule;
      pen.fillRect(LEFT, bottom - 1, this.width(), 1);
      pen.save();
      pen.beginPath();
      pen.rect(LEFT, top, this.width(), LANE);
      pen.clip();
      for (const [onset, offset, apex, outcome, strength] of lane.spans) {
        const left = this.x(this.at(Math.max(onset, 0)));
        const wide = Math.max(this.x(this.at(Math.min(offset + 1, this.data.n))) - left, 2);
        if (left > LEFT + this.width() || left + wide < LEFT) continue;
        pen.globalAlpha = 0.35 + 0.65 * strength;
        pen.fillStyle = fill[outcome];
        pen.fillRect(left, top + 3, wide, LANE - 7);
        pen.globalAlpha = 1;
        pen.strokeStyle = outcome === "open" ? ink.text : fill[outcome];
        pen.lineWidth = 1;
        if (outcome === "wrong" && wide > 5) this.hatch(pen, left, top + 3, wide, LANE - 7);
        pen.strokeRect(left + 0.5, top + 3.5, Math.max(wide - 1, 1), LANE - 8);
        if (apex !== null && wide > 5) {
          const peak = (this.x(this.at(apex)) + this.x(this.at(apex + 1))) / 2;
          pen.fillStyle = ink.text;
          pen.fillRect(peak - 0.75, top + 1, 1.5, LANE - 3);
        }
      }
      pen.restore();
      return bottom;
    }

    // Wrong is told by more than its colour.
    hatch(pen, left, top, wide, high) {
      pen.save();
      pen.beginPath();
      pen.rect(left, top, wide, high);
      pen.clip();
      pen.beginPath();
      const from = Math.max(left, LEFT) - high;
      const to = Math.min(left + wide, LEFT + this.width());
      for (let x = from - ((from - left) % 5); x < to; x += 5) {
        pen.moveTo(x, top + high);
        pen.lineTo(x + high, top);
      }
      pen.strokeStyle = getComputedStyle(this.figure).getPropertyValue("--ground").trim();
      pen.stroke();
      pen.restore();
    }

    axis(pen, top, ink) {
      const [from, to] = this.view;
      const room = Math.max(this.width() / 80, 2);
      const wanted = (to - from) / room;
      const step =
        this.unit === "s"
          ? (SECONDS.find((s) => s >= wanted) ?? 86400)
          : Math.max(1, 10 ** Math.ceil(Math.log10(Math.max(wanted, 1))));
      pen.fillStyle = ink.text;
      pen.textAlign = "center";
      for (let tick = Math.ceil(from / step - 1e-9); tick * step <= to + 1e-9; tick++) {
        const place = this.x(tick * step);
        pen.fillRect(place, top, 1, 4);
        const words = this.unit === "s" ? clock(+(tick * step).toFixed(3)) : String(tick * step);
        const half = pen.measureText(words).width / 2;
        pen.fillText(words, Math.min(Math.max(place, LEFT + half), LEFT + this.width() - half), top + 13);
      }
    }
  }

  function open(figure) {
    if (!drawn.has(figure)) drawn.set(figure, new Timeline(figure));
    return drawn.get(figure);
  }

  // A line with the name of a video, and its timeline below when it is opened.
  function foldedFigure(data) {
    const tracks = data.tracks.filter((track) => track.curves.length).length;
    const lanes = data.tracks.reduce((sum, track) => sum + track.lanes.length, data.lanes.length);
    const figure = make("figure", { class: "timeline", id: data.id, style: `--tracks:${tracks};--lanes:${lanes}` });
    dataOf.set(figure, data);
    const summary = make("summary", {}, data.title);
    if (data.note) summary.append(make("small", {}, data.note));
    const folded = make("details", { class: "video" });
    Object.assign(folded.dataset, { missed: data.missed, wrong: data.wrong });
    folded.append(summary, figure);
    return folded;
  }

  // Gives each lane its spans from the columns of its name; see `pack_timelines`.
  function restoreSpans({ videos, spans }) {
    const places = {};
    for (const { tracks, lanes } of videos) {
      for (const lane of [...tracks.flatMap((track) => track.lanes), ...lanes]) {
        const [steps, lengths, apexes, outcomes, strengths, words] = spans[lane.name];
        let place = places[lane.name] ?? 0;
        let onset = 0;
        lane.spans = Array.from({ length: lane.n }, () => {
          const i = place++;
          onset += steps[i];
          const apex = apexes[i] === null ? null : onset + apexes[i];
          return [onset, onset + lengths[i], apex, outcomes[i], strengths[i], words[i]];
        });
        places[lane.name] = place;
      }
    }
  }

  // The figures of a page, in its order.
  async function collectFigures() {
    for (const script of document.querySelectorAll("script[data-packed-timelines]")) {
      const packed = await inflate(script.textContent).json();
      restoreSpans(packed);
      script.replaceWith(...packed.videos.map(foldedFigure));
    }
    const figures = [...document.querySelectorAll("figure.timeline")];
    for (const figure of figures) {
      if (!dataOf.has(figure)) dataOf.set(figure, JSON.parse(figure.querySelector("script").textContent));
    }
    return figures;
  }

  function drawInView(figures) {
    const eye = new IntersectionObserver(
      (seen) => {
        for (const { target, isIntersecting } of seen) {
          if (!isIntersecting) continue;
          eye.unobserve(target);
          open(target);
        }
      },
      { rootMargin: "300px" },
    );
    figures.forEach((figure) => eye.observe(figure));
    // The others are drawn when there is nothing else to do, for who prints the page: to read their curves then takes too long.
    const idle = window.requestIdleCallback ?? setTimeout;
    const unfolded = () => figures.filter((figure) => !figure.closest("details:not([open])"));
    const rest = unfolded();
    const next = () => {
      if (!rest.length) return;
      open(rest.shift());
      idle(next);
    };
    setTimeout(next, 5000);
    window.addEventListener("beforeprint", () => unfolded().forEach(open));
    night.addEventListener("change", () => drawn.forEach((timeline) => timeline.draw()));
  }

  // `#v3:120-150` is an interval of a timeline.
  function followLinks(figures) {
    function follow() {
      const [, id, onset, offset] = /^#(.+):(-?\d+)-(-?\d+)$/.exec(decodeURIComponent(location.hash)) ?? [];
      const figure = id && document.getElementById(id);
      if (!figure || !figures.includes(figure)) return;
      const folded = figure.closest("details");
      if (folded) Object.assign(folded, { hidden: false, open: true });
      figure.scrollIntoView({ block: "center" });
      const timeline = open(figure);
      timeline.ready.then(() => timeline.reveal(Number(onset), Number(offset)));
    }
    window.addEventListener("hashchange", follow);
    follow();
  }

  // Videos by name and by what went wrong in them. At first only some are listed.
  function filterVideos() {
    const FIRST = 10;
    for (const bar of document.querySelectorAll("[data-timelines]")) {
      const videos = [...bar.parentElement.querySelectorAll("details.video")];
      const [words, choice, more] = ["input", "select", ".more"].map((name) => bar.querySelector(name));
      const fits = {
        all: () => true,
        missed: (video) => Number(video.dataset.missed) > 0,
        wrong: (video) => Number(video.dataset.wrong) > 0,
        clean: (video) => !Number(video.dataset.wrong) && !Number(video.dataset.missed),
      };
      let most = FIRST;
      const filter = () => {
        const isNamed = (video) => video.firstChild.textContent.toLowerCase().includes(words.value.toLowerCase());
        const found = videos.filter((video) => isNamed(video) && fits[choice.value](video));
        const shown = new Set(found.slice(0, most));
        for (const video of videos) video.hidden = !shown.has(video);
        bar.querySelector("output").textContent = `${shown.size} of ${found.length}`;
        more.hidden = shown.size === found.length;
      };
      words.addEventListener("input", filter);
      choice.addEventListener("change", filter);
      more.addEventListener("click", () => {
        most = Infinity;
        filter();
      });
      bar.hidden = false;
      filter();
    }
  }

  // A list of mistakes of one cause is filled when it is first opened: the intervals whose tooltip gives its reason, each with a link.
  function listMistakes(figures) {
    for (const list of document.querySelectorAll("details[data-reason]")) {
      const { reason, track = "" } = list.dataset;
      const fill = () => {
        for (const figure of figures) list.querySelector("ul").append(...linksTo(figure, track, reason));
      };
      if (list.open) fill(); // opened before the timelines were unpacked
      else list.addEventListener("toggle", fill, { once: true });
    }
  }

  function linksTo(figure, name, reason) {
    const { title, tracks } = dataOf.get(figure);
    const lanes = tracks.filter((track) => track.name === name).flatMap((track) => track.lanes);
    const links = [];
    for (const lane of lanes) {
      for (const [onset, offset, , , , words] of lane.spans) {
        if (!lane.kind || !words.split("; ").includes(reason)) continue;
        const link = make("a", { href: `#${figure.id}:${onset}-${offset}` }, `${title}, ${lane.kind}, frames ${onset} to ${offset}`);
        const item = make("li");
        item.append(link);
        links.push(item);
      }
    }
    return links;
  }

  collectFigures().then((figures) => {
    if (!figures.length) return;
    drawInView(figures);
    listMistakes(figures);
    filterVideos();
    followLinks(figures);
  });
})();
