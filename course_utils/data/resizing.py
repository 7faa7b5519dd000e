"""One size for all pictures: squash, crop or pad, with a stated interpolation.

Validation and prediction have to resize exactly as training did, so the rule is plain data that goes with the
run (`eval_transform`). Pillow's resampling is antialiased. Notebook 05 compares the three.
"""

from PIL import Image

from course_utils.params import check_choice

FITS = ("squash", "crop", "pad")
INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def check_rule(fit: str, interpolation: str) -> None:
    """Raise ValueError, with the nearest name, unless both are known."""
    check_choice("fit", fit, FITS)
    check_choice("interpolation", interpolation, INTERPOLATIONS)


def resize(
    picture: Image.Image, size: tuple[int, int], *, fit: str = "squash", interpolation: str = "bilinear"
) -> Image.Image:
    """Bring `picture` to `size` (height, width).

    `fit` "squash" changes the aspect; "crop" fills the frame and cuts off what stands out on both sides (the
    shorter side resized, then the centre); "pad" shows all of it, centred on black. ValueError for an unknown
    rule, and for sides below 1.
    """
    check_rule(fit, interpolation)
    height, width = size
    if height < 1 or width < 1:
        raise ValueError(f"size is {size}; expected (height, width) of at least 1 pixel each")
    how = INTERPOLATIONS[interpolation]
    if fit == "squash":
        return picture.resize((width, height), how)
    upright = picture.height * width > height * picture.width  # taller than the frame
    if upright == (fit == "crop"):  # the width decides
        scaled = (width, max(1, picture.height * width // picture.width))
    else:
        scaled = (max(1, picture.width * height // picture.height), height)
    resized = picture.resize(scaled, how)
    left, top = round((scaled[0] - width) / 2), round((scaled[1] - height) / 2)  # below 0 to pad
    if fit == "crop":
        return resized.crop((left, top, left + width, top + height))
    frame = Image.new(picture.mode, (width, height))
    frame.paste(resized, (-left, -top))
    return frame
