// One thumbnail: read a JPEG file, decode it at a fraction of its size, resize, encode, write.
//
// libjpeg-turbo decodes and encodes, stb_image_resize resizes. Nothing is shared between calls, so
// any number of threads may make thumbnails at once.
#pragma once

#include <stb_image_resize.h>
#include <turbojpeg.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace bench {

using bytes = std::vector<unsigned char>;

/// An 8-bit RGB picture.
struct picture {
  int width = 0;
  int height = 0;
  bytes rgb;
};

/// Lets a unique_ptr own what a C library has to free.
template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* resource) const {
    Free(resource);
  }
};

inline bytes read_file(const std::filesystem::path& path) {
  const std::unique_ptr<std::FILE, freed_by<&std::fclose>> file(std::fopen(path.c_str(), "rb"));
  if (!file)
    throw std::system_error(errno, std::generic_category(), "cannot be read");
  bytes data(static_cast<std::size_t>(std::filesystem::file_size(path)));
  if (std::fread(data.data(), 1, data.size(), file.get()) != data.size())
    throw std::runtime_error("cannot be read to its end");
  return data;
}

inline void write_file(const std::filesystem::path& path, const unsigned char* data,
                       std::size_t size) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr)
    throw std::system_error(errno, std::generic_category(), path.string() + " cannot be written");
  const bool written = std::fwrite(data, 1, size, file) == size;
  if (std::fclose(file) != 0 || !written)
    throw std::runtime_error(path.string() + " cannot be written to its end");
}

using jpeg_handle = std::unique_ptr<void, freed_by<&tjDestroy>>;
using jpeg_bytes = std::unique_ptr<unsigned char, freed_by<&tjFree>>;

/// Decodes a JPEG at the smallest of libjpeg-turbo's scales that is no smaller than `side` on its
/// longer side: most of a large photograph is then never decoded.
inline picture decode(const bytes& jpeg, int side) {
  const jpeg_handle decoder(tjInitDecompress());
  const auto check = [&](int status) {
    // A warning (a truncated file, say) leaves a grey hole in the picture: an error here.
    if (status != 0)
      throw std::runtime_error(std::string("is not a sound JPEG: ") +
                               tjGetErrorStr2(decoder.get()));
  };
  picture decoded;
  int subsampling = 0;
  int colours = 0;
  check(tjDecompressHeader3(decoder.get(), jpeg.data(), static_cast<unsigned long>(jpeg.size()),
                            &decoded.width, &decoded.height, &subsampling, &colours));
  int scales = 0;
  const tjscalingfactor* scale = tjGetScalingFactors(&scales);
  const int longer = std::max(decoded.width, decoded.height);
  tjscalingfactor best{1, 1};
  for (int i = 0; i < scales; ++i)
    if (TJSCALED(longer, scale[i]) >= side && TJSCALED(longer, scale[i]) < TJSCALED(longer, best))
      best = scale[i];
  decoded.width = TJSCALED(decoded.width, best);
  decoded.height = TJSCALED(decoded.height, best);
  decoded.rgb.resize(static_cast<std::size_t>(decoded.width) *
                     static_cast<std::size_t>(decoded.height) * 3);
  check(tjDecompress2(decoder.get(), jpeg.data(), static_cast<unsigned long>(jpeg.size()),
                      decoded.rgb.data(), decoded.width, 0, decoded.height, TJPF_RGB, 0));
  return decoded;
}

/// Shrinks a picture so that its longer side is `side`; a smaller one stays as it is.
inline picture resize(const picture& from, int side) {
  const double scale = static_cast<double>(side) / std::max(from.width, from.height);
  if (scale >= 1)
    return from;
  picture to;
  to.width = std::max(1, static_cast<int>(std::lround(from.width * scale)));
  to.height = std::max(1, static_cast<int>(std::lround(from.height * scale)));
  to.rgb.resize(static_cast<std::size_t>(to.width) * static_cast<std::size_t>(to.height) * 3);
  if (stbir_resize_uint8(from.rgb.data(), from.width, from.height, 0, to.rgb.data(), to.width,
                         to.height, 0, 3) == 0)
    throw std::bad_alloc();
  return to;
}

/// Encodes `image` and writes it to `path`.
inline void write_jpeg(const std::filesystem::path& path, const picture& image, int quality) {
  const jpeg_handle encoder(tjInitCompress());
  unsigned char* data = nullptr;
  unsigned long size = 0;
  const int status = tjCompress2(encoder.get(), image.rgb.data(), image.width, 0, image.height,
                                 TJPF_RGB, &data, &size, TJSAMP_420, quality, 0);
  const jpeg_bytes owned(data);
  if (status != 0)
    throw std::runtime_error(path.string() + ": " + tjGetErrorStr2(encoder.get()));
  write_file(path, data, size);
}

/// The longer side of a thumbnail in pixels.
inline constexpr int thumbnail_side = 256;

/// What the talk calls create_thumbnail: makes `thumbnail` from `photograph`. Throws std::exception
/// saying what is wrong with the photograph.
inline void create_thumbnail(const std::filesystem::path& photograph,
                             const std::filesystem::path& thumbnail) {
  const picture decoded = decode(read_file(photograph), thumbnail_side);
  write_jpeg(thumbnail, resize(decoded, thumbnail_side), 85);
}

} // namespace bench
