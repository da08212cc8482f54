/* Every visible text whose contrast with what lies under it is below 4.5 (WCAG AA). */
() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const blend = (layers) => {
        for (const layer of layers) { context.fillStyle = layer; context.fillRect(0, 0, 1, 1); }
        return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = (rgb) => {
        const [r, g, b] = rgb.map((value) => value / 255).map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const lowContrast = [];
    for (const node of document.querySelectorAll("body *")) {
        const hasText = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
        if (!hasText || !node.checkVisibility() || node.closest(".visually-hidden, .skip-link, option, optgroup")) continue;
        const backgrounds = [];
        for (let up = node; up; up = up.parentElement) backgrounds.unshift(getComputedStyle(up).backgroundColor);
        const [background, foreground] = [blend(["white", ...backgrounds]), blend(["white", ...backgrounds, getComputedStyle(node).color])].map(luminance);
        const ratio = (Math.max(background, foreground) + 0.05) / (Math.min(background, foreground) + 0.05);
        if (ratio < 4.5) lowContrast.push(`${ratio.toFixed(2)} ${node.className} ${node.textContent.slice(0, 40)}`);
    }
    return lowContrast;
}
