
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const lock = JSON.parse($("lock").textContent);
  const DOMAIN = new TextEncoder().encode("tsuwaroku page 1\0");
  const LONGEST_PAUSE_S = 2; // a gap is played as silence of this length at most
  const AHEAD_S = 20; // of sound that is decoded before it is due
  const KEPT = 4; // pieces that stay decoded
  const SILENT_MS = 4000; // until a PC without a loudspeaker is told from a slow one

  class Damaged extends Error {}
  class Silent extends Error {}

  // -- what lies on the medium

  const arrived = new Map(); // chunk number -> base64, of the file that was loaded last
  let key = null;
  let queue = Promise.resolve();

  window.tsuwaroku = (first, list) => list.forEach((text, at) => arrived.set(first + at, text));

  const octets = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  function load(name) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = name;
      script.onload = () => { script.remove(); resolve(); };
      script.onerror = () => { script.remove(); reject(new Damaged(name + " を読み込めません")); };
      document.head.append(script);
    });
  }

  // As it was meant: as typed, then with whatever a Japanese keyboard made of the hyphens.
  function spellings(typed) {
    const text = typed.normalize("NFKC").trim();
    return [...new Set([text, text.replace(/[\u30fc\u2010-\u2015\u2212\u2500]/g, "-")])];
  }

  async function derive(text) {
    const raw = await crypto.subtle.importKey("raw", new TextEncoder().encode(text), "PBKDF2", false, ["deriveKey"]);
    const stretching = { name: "PBKDF2", hash: "SHA-256", salt: octets(lock.salt), iterations: lock.rounds };
    return crypto.subtle.deriveKey(stretching, raw, { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
  }

  const opened = (under, iv, sealed) =>
    crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: DOMAIN }, under, sealed);

  async function fits(candidate) {
    try {
      await opened(candidate, new Uint8Array(12).fill(255), octets(lock.check));
      return true;
    } catch {
      return false;
    }
  }

  // One at a time: what arrives belongs to the file that was asked for.
  function chunk(number) {
    const next = queue.then(() => fetched(number));
    queue = next.catch(() => undefined);
    return next;
  }

  async function fetched(number) {
    const file = lock.files.find(([, first, count]) => number >= first && number < first + count);
    if (!arrived.has(number)) {
      arrived.clear();
      await load(file[0]);
    }
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setUint32(8, number);
    try {
      return await opened(key, nonce, octets(arrived.get(number)));
    } catch {
      throw new Damaged(file[0] + " の内容が壊れています");
    }
  }

  // -- what is said

  function say(text, bad) {
    $("said").textContent = text;
    $("said").classList.toggle("bad", Boolean(bad));
    $("said").hidden = !text;
  }

  const told = (error) => error instanceof Silent
    ? "音声を出力できません。スピーカーかイヤホンがつながっているか、確かめてください。"
    : error instanceof Damaged
      ? error.message + "。\n媒体が損傷しているおそれがあります。媒体を返却し、管理責任者に連絡してください。"
      : "このブラウザーでは開けません（" + error.message + "）。\nEdge、Chrome、Firefox の新しい版で開くか、管理責任者に連絡してください。";

  function element(tag, text, kind) {
    const made = document.createElement(tag);
    made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  function rows(into, pairs) {
    into.replaceChildren(...pairs.map(([name, value]) => {
      const row = document.createElement("tr");
      const head = element("th", name);
      head.scope = "row";
      row.append(head, element("td", value));
      return row;
    }));
  }

  function clock(seconds) {
    const whole = Math.max(0, Math.floor(seconds + 1e-6));
    const two = (value) => String(value).padStart(2, "0");
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor(whole / 60) % 60;
    return (hours ? hours + ":" + two(minutes) : minutes) + ":" + two(whole % 60);
  }

  // -- one call and its sound; positions are samples from its first one

  let facts = null;
  let call = null;
  let context = null;
  let gain = null;
  let meter = null;
  let position = 0;
  let turn = 0; // grows with each play, pause and jump: what belongs to an earlier one stops
  let playing = false;
  let plan = []; // what was handed to the sound device: [when, first sample, samples]
  let nodes = [];
  const decoded = new Map();
  const proven = new Map(); // chunk -> whether what the browser decoded is what was captured

  async function sound(piece) {
    if (!decoded.has(piece.chunk)) {
      const flac = await chunk(piece.chunk);
      let buffer;
      try {
        buffer = await new OfflineAudioContext(1, 1, call.rate).decodeAudioData(flac);
      } catch (error) {
        throw new Error("音声を復号できません: " + error.message);
      }
      proven.set(piece.chunk, await same(buffer.getChannelData(0), piece));
      decoded.set(piece.chunk, buffer);
      for (const old of [...decoded.keys()].slice(0, -KEPT)) decoded.delete(old);
    }
    return decoded.get(piece.chunk);
  }

  // Some browsers divide what is above zero by 32767, some by 32768.
  async function same(samples, piece) {
    if (samples.length !== piece.samples) return false;
    for (const above of [32768, 32767]) {
      const view = new DataView(new ArrayBuffer(2 * samples.length));
      samples.forEach((value, at) => view.setInt16(2 * at, Math.round(value * (value < 0 ? 32768 : above)), true));
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", view.buffer));
      if (Array.from(digest, (octet) => octet.toString(16).padStart(2, "0")).join("") === piece.sha256) return true;
    }
    return false;
  }

  function device() {
    if (context === null || context.wanted !== call.rate) {
      if (context !== null) context.close();
      try {
        context = new AudioContext({ sampleRate: call.rate });
      } catch {
        context = new AudioContext(); // a device that takes its own rate only: what is played is then converted
      }
      context.wanted = call.rate;
      gain = context.createGain();
      meter = context.createAnalyser();
      gain.connect(meter).connect(context.destination);
      loudness();
    }
    return context;
  }

  function here() {
    if (!playing) return position;
    const now = context.currentTime;
    const current = plan.filter(([when]) => when <= now).at(-1);
    if (!current) return position;
    const [when, first, samples] = current;
    return first + Math.min(samples, Math.round((now - when) * call.rate));
  }

  function halt() {
    position = here();
    playing = false;
    turn += 1;
    nodes.forEach((node) => node.stop());
    nodes = [];
    plan = [];
    $("play").textContent = "再生";
  }

  const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  async function play() {
    const mine = (turn += 1);
    if (position >= call.samples) position = 0;
    playing = true;
    $("play").textContent = "停止";
    say("");
    try {
      const at = device();
      await Promise.race([at.resume(), later(SILENT_MS)]);
      if (mine !== turn) return;
      if (at.state !== "running") throw new Silent();
      await run(at, mine);
      while (mine === turn && plan.length && at.currentTime < plan.at(-1)[0] + plan.at(-1)[2] / call.rate) await later(50);
      if (mine === turn) {
        halt();
        position = call.samples;
      }
    } catch (error) {
      if (mine === turn) {
        halt();
        say(told(error), true);
      }
    }
    draw();
  }

  async function run(at, mine) {
    let from = position;
    let when = at.currentTime + 0.1;
    for (const piece of call.pieces.filter((one) => one.first + one.samples > position)) {
      const begin = Math.max(piece.first, from);
      let buffer;
      try {
        buffer = await sound(piece);
      } catch (error) {
        if (!(error instanceof Damaged)) throw error;
        piece.damaged = true; // costs this piece; the rest goes on
        if (mine === turn) say(told(error) + "\n読み取れない部分（約" + clock(piece.samples / call.rate) + "）を飛ばして再生します。", true);
        continue;
      }
      if (mine !== turn) return;
      when = Math.max(when + Math.min((begin - from) / call.rate, LONGEST_PAUSE_S), at.currentTime + 0.05);
      const node = at.createBufferSource();
      node.buffer = buffer;
      node.connect(gain);
      node.start(when, (begin - piece.first) / call.rate);
      nodes.push(node);
      plan.push([when, begin, piece.first + piece.samples - begin]);
      from = piece.first + piece.samples;
      when += (from - begin) / call.rate;
      prove();
      while (mine === turn && at.currentTime < when - AHEAD_S) await later(200);
      if (mine !== turn) return;
    }
  }

  function jump(to) {
    const was = playing;
    if (was) halt();
    position = Math.min(Math.max(0, Math.round(to)), call.samples);
    if (was) play();
    draw();
  }

  function loudness() {
    const times = Number($("volume").value);
    $("times").textContent = times + "倍";
    if (gain) gain.gain.value = times;
  }

  function prove() {
    const heard = call.pieces.filter((piece) => proven.has(piece.chunk));
    const alike = heard.filter((piece) => proven.get(piece.chunk)).length;
    $("proof").textContent = !heard.length ? "" : alike === heard.length
      ? "再生した音声（" + call.pieces.length + "区間のうち" + alike + "区間）は、録音時の音声と1サンプルも違わないことを照合しました。"
      : "このブラウザーでは、再生した音声を録音時の音声と照合できませんでした。同封の verify.py で確認できます。";
  }

  // -- the picture

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

  function draw() {
    if (!call) return;
    const canvas = $("wave");
    const scale = window.devicePixelRatio || 1;
    const wide = Math.max(1, Math.round(canvas.clientWidth * scale));
    const high = Math.round(150 * scale);
    if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
    const pen = canvas.getContext("2d");
    const at = here();
    const x = (sample) => (sample / Math.max(1, call.samples)) * wide;
    const top = 16 * scale;
    const middle = (top + high) / 2;
    const half = (high - top) / 2 - 2 * scale;
    pen.clearRect(0, 0, wide, high);
    const buckets = call.peaks.length / 2;
    for (let column = 0; column < wide; column += 1) {
      const first = Math.floor((column / wide) * buckets);
      const last = Math.max(first + 1, Math.floor(((column + 1) / wide) * buckets));
      let low = 0;
      let loud = 0;
      for (let bucket = first; bucket < last && bucket < buckets; bucket += 1) {
        low = Math.min(low, call.peaks[2 * bucket]);
        loud = Math.max(loud, call.peaks[2 * bucket + 1]);
      }
      pen.fillStyle = column < x(at) ? call.colours.played : call.colours.wave;
      pen.fillRect(column, middle - (loud / 127) * half, 1, Math.max(scale, ((loud - low) / 127) * half));
    }
    for (const [first, samples] of call.gaps) hatch(pen, x(first), Math.max(3 * scale, x(samples)), top, high, scale, call.colours.soft);
    for (const piece of call.pieces.filter((one) => one.damaged)) {
      pen.fillStyle = "rgba(194, 47, 47, .35)";
      pen.fillRect(x(piece.first), top, x(piece.samples), high);
    }
    if (call.starts !== null) {
      for (const second of call.notices) flag(pen, x((second - call.starts) * call.rate), high, scale, call.colours.notice);
      for (const mark of call.marks) {
        if (mark.at_s !== null && !mark.withdrawn) flag(pen, x((mark.at_s - call.starts) * call.rate), high, scale, call.colours.mark);
      }
    }
    pen.fillStyle = call.colours.ink;
    pen.fillRect(Math.min(x(at), wide - 2 * scale), 0, 2 * scale, high);
    $("place").value = at;
    const times = clock(at / call.rate) + " / " + clock(call.samples / call.rate);
    if ($("clock").textContent !== times) $("clock").textContent = times;
    $("place").setAttribute("aria-valuetext", times);
  }

  function hatch(pen, left, width, top, high, scale, ink) {
    pen.save();
    pen.beginPath();
    pen.rect(left, top, width, high - top);
    pen.clip();
    pen.fillStyle = "#fff";
    pen.fillRect(left, top, width, high - top);
    pen.strokeStyle = ink;
    pen.lineWidth = scale;
    pen.beginPath();
    for (let at = left - high; at < left + width; at += 5 * scale) {
      pen.moveTo(at, high);
      pen.lineTo(at + high, 0);
    }
    pen.stroke();
    pen.restore();
  }

  function flag(pen, at, high, scale, ink) {
    pen.fillStyle = ink;
    pen.fillRect(at - scale / 2, 0, scale, high);
    pen.beginPath();
    pen.moveTo(at - 6 * scale, 0);
    pen.lineTo(at + 6 * scale, 0);
    pen.lineTo(at, 12 * scale);
    pen.fill();
  }

  // -- what is shown

  function show(chosen) {
    if (call) halt();
    decoded.clear();
    position = 0;
    const bytes = octets(chosen.wave);
    const names = ["wave", "played", "mark", "notice", "ink", "soft"];
    call = {
      ...chosen,
      peaks: new Int8Array(bytes.buffer),
      starts: chosen.starts_at_s,
      notices: chosen.notice_s,
      colours: Object.fromEntries(names.map((name) => [name, colour(name)])),
    };
    $("title").textContent = facts.calls.length > 1 ? facts.calls.indexOf(chosen) + 1 + "件目　" + chosen.title : chosen.title;
    rows($("facts"), chosen.rows);
    $("player").hidden = !call.pieces.length;
    $("place").max = call.samples;
    [...$("calls").children].forEach((button, at) => button.setAttribute("aria-current", String(facts.calls[at] === chosen)));
    $("marks").replaceChildren(...call.marks.map((mark, at) => {
      const where = mark.at_s === null ? "位置の記録なし" : call.starts === null ? "位置不明" : clock(mark.at_s - call.starts);
      const text = "▼ " + mark.what + "の印 " + (at + 1) + "（" + where + "）" + (mark.withdrawn ? " 取消し" : "");
      if (mark.at_s === null || call.starts === null) return element("span", text, mark.withdrawn ? "withdrawn" : "");
      const button = element("button", text, mark.withdrawn ? "withdrawn" : "");
      button.type = "button";
      button.onclick = () => jump((mark.at_s - call.starts - 3) * call.rate); // a little before it
      return button;
    }));
    prove();
    draw();
  }

  async function enter(event) {
    event.preventDefault();
    $("open").disabled = true;
    say("開いています。数秒かかります。");
    try {
      key = null;
      for (const text of spellings($("passphrase").value)) {
        const candidate = await derive(text);
        if (key === null && (await fits(candidate))) key = candidate;
      }
      if (key === null) {
        say("パスフレーズが違います。入力した文字を確かめて、もう一度入力してください。", true);
        return;
      }
      facts = JSON.parse(new TextDecoder().decode(await chunk(0)));
      $("passphrase").value = "";
      say("");
      $("door").hidden = true;
      $("room").hidden = false;
      rows($("copy"), facts.copy);
      $("calls").hidden = facts.calls.length < 2;
      $("calls").replaceChildren(...facts.calls.map((one, at) => {
        const button = element("button", at + 1 + "件目 " + one.title);
        button.type = "button";
        button.onclick = () => show(one);
        return button;
      }));
      show(facts.calls[0]);
    } catch (error) {
      say(told(error), true);
    } finally {
      $("open").disabled = false;
    }
  }

  function ready() {
    $("city").textContent = Object.values(lock.shown)[0]; // the city's name, the first row
    for (const [name, value] of Object.entries(lock.shown).slice(1)) $("shown").append(element("dt", name), element("dd", value));
    if (!window.crypto || !crypto.subtle || !window.AudioContext) {
      say("このブラウザーでは開けません。Edge、Chrome、Firefox の新しい版で開いてください。", true);
      return;
    }
    $("door").hidden = false;
    $("door").onsubmit = enter;
    $("reveal").onchange = () => { $("passphrase").type = $("reveal").checked ? "text" : "password"; };
    $("play").onclick = () => { if (playing) { halt(); draw(); } else play(); };
    $("back").onclick = () => jump(here() - 10 * call.rate);
    $("ahead").onclick = () => jump(here() + 10 * call.rate);
    $("place").oninput = () => jump(Number($("place").value));
    $("wave").onclick = (event) => jump((event.offsetX / $("wave").clientWidth) * call.samples);
    $("volume").oninput = loudness;
    $("close").onclick = () => location.reload();
    window.addEventListener("resize", draw);
    const tick = () => { if (playing) draw(); requestAnimationFrame(tick); };
    tick();
    // For the test of the page: what the sound device is given, and nothing that is secret.
    window.tsuwarokuState = () => ({
      playing, position: call ? here() : 0, time: context ? context.currentTime : 0, proven: [...proven.values()],
      loud: meter ? (() => { const wave = new Float32Array(meter.fftSize); meter.getFloatTimeDomainData(wave); return Math.max(...wave.map(Math.abs)); })() : 0,
    });
    $("passphrase").focus();
  }

  ready();
})();
