// The one place where stb_image_resize.h, a library in a header, is compiled.
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#include <stb_image_resize.h>
