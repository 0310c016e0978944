// What Python sees: many canvases, advanced and read together by several threads without the interpreter's lock.
//
// Shapes, types and ranges are checked by the Python layer (canvases.py), which is the public interface.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <tuple>

#include "canvas.h"

namespace py = pybind11;
using namespace pymypaint;

namespace {

template <typename T>
using Array = py::array_t<T, py::array::c_style>;
using Points = std::vector<std::pair<float, float>>;

// Threads are made for each call: they cost some 20 microseconds, a batch costs milliseconds, and nothing outlives a fork.
template <typename Work>
void for_each(size_t count, int threads, Work work) {
    std::atomic<size_t> next{0};
    std::exception_ptr error;
    std::mutex error_lock;
    auto run = [&] {
        try {
            for (size_t i; (i = next.fetch_add(1)) < count;) work(i);
        } catch (...) {
            std::lock_guard<std::mutex> guard(error_lock);
            error = std::current_exception();
        }
    };
    std::vector<std::thread> others;
    const size_t wanted = std::min<size_t>(threads, count);
    for (size_t i = 1; i < wanted; ++i) others.emplace_back(run);
    run();
    for (std::thread& thread : others) thread.join();
    if (error) std::rethrow_exception(error);
}

class Batch {
public:
    Batch(size_t count, const Format& format, Recipe recipe) : recipe_(std::move(recipe)) {
        canvases_.reserve(count);
        for (size_t i = 0; i < count; ++i) canvases_.push_back(std::make_unique<Canvas>(format, recipe_));
        bytes_ = size_t(format.width) * format.height * format.channels;
    }

    void reset(const Array<int64_t>& indices, int threads) {
        const int64_t* index = indices.data();
        const size_t count = indices.size();
        py::gil_scoped_release released;
        std::lock_guard<std::mutex> guard(lock_);
        for_each(count, threads, [&](size_t i) { canvases_[index[i]]->reset(); });
    }

    void step(const Array<uint8_t>& active, const Array<uint8_t>& paint, const Array<float>& control,
              const Array<float>& end, const Array<float>& pressure, const Array<float>& radius,
              const Array<float>& color, int threads, std::optional<Array<uint8_t>> out, int factor) {
        const uint8_t *is_active = active.data(), *is_paint = paint.data();
        const float *c = control.data(), *e = end.data(), *p = pressure.data(), *r = radius.data(), *rgb = color.data();
        uint8_t* images = out ? out->mutable_data() : nullptr;
        py::gil_scoped_release released;
        std::lock_guard<std::mutex> guard(lock_);
        for_each(canvases_.size(), threads, [&](size_t i) {
            Canvas& canvas = *canvases_[i];
            if (is_active[i]) {
                if (is_paint[i])
                    canvas.paint({{c[2 * i], c[2 * i + 1]}, {e[2 * i], e[2 * i + 1]}, p[i], r[i],
                                  {rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]}});
                else
                    canvas.move(e[2 * i], e[2 * i + 1]);
            }
            if (images) canvas.read(images + i * (bytes_ / (factor * factor)), factor);
        });
    }

    void read(Array<uint8_t> out, int factor, int threads) {
        uint8_t* images = out.mutable_data();
        py::gil_scoped_release released;
        std::lock_guard<std::mutex> guard(lock_);
        for_each(canvases_.size(), threads,
                 [&](size_t i) { canvases_[i]->read(images + i * (bytes_ / (factor * factor)), factor); });
    }

    void set_brush(size_t index, float radius, std::array<float, 3> rgb) {
        std::lock_guard<std::mutex> guard(lock_);
        canvases_.at(index)->set_brush(radius, rgb.data());
    }

    void stroke_to(size_t index, float x, float y, float pressure, double seconds) {
        py::gil_scoped_release released;
        std::lock_guard<std::mutex> guard(lock_);
        canvases_.at(index)->stroke_to(x, y, pressure, seconds);
    }

private:
    Recipe recipe_;
    std::vector<std::unique_ptr<Canvas>> canvases_;
    size_t bytes_;
    std::mutex lock_;
};

Recipe make_recipe(const std::vector<float>& values, const std::vector<std::tuple<int, int, Points>>& curves) {
    Recipe recipe;
    if (values.size() != recipe.values.size()) throw py::value_error("wrong number of brush settings");
    std::copy(values.begin(), values.end(), recipe.values.begin());
    for (const auto& [setting, input, points] : curves)
        recipe.curves.push_back({MyPaintBrushSetting(setting), MyPaintBrushInput(input), points});
    return recipe;
}

}  // namespace

PYBIND11_MODULE(_native, module) {
    py::class_<Recipe>(module, "Recipe").def(py::init(&make_recipe), py::arg("values"), py::arg("curves"));
    py::class_<Batch>(module, "Batch")
        .def(py::init([](size_t count, int width, int height, int channels, std::array<uint16_t, 3> background,
                         const Recipe& recipe) {
            return std::make_unique<Batch>(count, Format{width, height, channels, background}, recipe);
        }))
        .def("reset", &Batch::reset)
        .def("step", &Batch::step)
        .def("read", &Batch::read)
        .def("set_brush", &Batch::set_brush)
        .def("stroke_to", &Batch::stroke_to);
    module.def("setting_from_name",
               [](const std::string& name) { return int(mypaint_brush_setting_from_cname(name.c_str())); });
    module.def("input_from_name",
               [](const std::string& name) { return int(mypaint_brush_input_from_cname(name.c_str())); });
    module.def("setting_limits", [](int setting) {
        const auto* info = mypaint_brush_setting_info(MyPaintBrushSetting(setting));
        return std::make_tuple(info->min, info->def, info->max);
    });
    module.attr("SETTINGS") = int(MYPAINT_BRUSH_SETTINGS_COUNT);
    module.attr("INPUTS") = int(MYPAINT_BRUSH_INPUTS_COUNT);
}
