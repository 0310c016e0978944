// What Python sees: many canvases, advanced and read together by several threads without the interpreter's lock.
//
// Shapes, types and ranges are checked by the Python layer (canvases.py), which is the public interface.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <tuple>

#include "crew.h"
#include "pen.h"
#include "picture.h"

namespace py = pybind11;
using namespace pymypaint;

namespace {

template <typename T>
using Array = py::array_t<T, py::array::c_style>;
using Points = std::vector<std::pair<float, float>>;

struct Canvas {
    Surface surface;
    Pen pen;
    Picture picture;

    Canvas(int width, int height, int channels, const Color& background, float scale, const Recipe& recipe,
           double seconds)
        : surface(width, height, background, scale, recipe.fixed_edge()), pen(surface, recipe, seconds), picture(surface, channels) {}

    void become(const Canvas& other) {
        surface.become(other.surface);
        pen.become(other.pen);
    }

    // While one canvas is painted, the next one comes from the memory.
    void fetch() const {
        surface.fetch();
        picture.fetch();
    }
};

class Batch {
public:
    Batch(size_t count, int width, int height, int channels, const Color& background, float scale, Recipe recipe,
          double seconds, int threads)
        : recipe_(std::move(recipe)), crew_(threads), bytes_(size_t(width) * height * channels) {
        for (int i = 0; i < threads; ++i) brushes_.push_back(recipe_.make());
        canvases_.reserve(count);
        for (size_t i = 0; i < count; ++i) {
            canvases_.push_back(std::make_unique<Canvas>(width, height, channels, background, scale, recipe_, seconds));
            canvases_[i]->pen.reset(*brushes_[0]);
        }
        // A new brush skips its first point. Each must have done so before a pen paints with it.
        for (const BrushPointer& brush : brushes_) canvases_[0]->pen.reset(*brush);
    }

    void reset(const Array<int64_t>& indices) {
        const int64_t* index = indices.data();
        run(indices.size(), [=](size_t i, int thread) {
            Canvas& canvas = *canvases_[index[i]];
            canvas.surface.clear();
            canvas.picture.clear();
            canvas.pen.reset(*brushes_[thread]);
        });
    }

    void step(const Array<uint8_t>& active, const Array<uint8_t>& paint, const Array<float>& control,
              const Array<float>& end, const Array<float>& pressure, const Array<float>& radius,
              const Array<float>& color, std::optional<Array<uint8_t>> out, int factor) {
        const uint8_t *is_active = active.data(), *paints = paint.data();
        const float *c = control.data(), *e = end.data(), *p = pressure.data(), *r = radius.data(), *rgb = color.data();
        uint8_t* images = out ? out->mutable_data() : nullptr;
        const int controls = static_cast<int>(control.size() / end.size());
        run(canvases_.size(), [=](size_t i, int thread) {
            const size_t next = i + crew_.threads();
            if (next < canvases_.size() && is_active[next] && paints[next]) canvases_[next]->fetch();
            Pen& pen = canvases_[i]->pen;
            if (is_active[i] && paints[i])
                pen.paint(*brushes_[thread], {c + 2 * controls * i,
                                              controls,
                                              {e[2 * i], e[2 * i + 1]},
                                              p[i],
                                              r[i],
                                              {rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]}});
            else if (is_active[i])
                pen.move(*brushes_[thread], e[2 * i], e[2 * i + 1]);
            if (images) show(i, images, factor);
        });
    }

    void read(Array<uint8_t> out, int factor) {
        uint8_t* images = out.mutable_data();
        run(canvases_.size(), [=](size_t i, int) { show(i, images, factor); });
    }

    void load(const Array<uint8_t>& pictures, int channels) {
        const uint8_t* shown = pictures.data();
        run(canvases_.size(), [=](size_t i, int) { canvases_[i]->surface.load(shown + i * bytes_, channels); });
    }

    // Canvas i goes on as canvas source[i] of `other` would, which is of equal size and brush, and may be this batch.
    void take(Batch& other, const Array<int64_t>& sources) {
        const int64_t* source = sources.data();
        py::gil_scoped_release released;
        std::unique_lock<std::mutex> mine(lock_, std::defer_lock), theirs(other.lock_, std::defer_lock);
        if (&other != this) {
            std::lock(mine, theirs);
            crew_.run(canvases_.size(), [&](size_t i, int) { canvases_[i]->become(*other.canvases_[source[i]]); });
            return;
        }
        mine.lock();
        const std::vector<int64_t> place = rearrange(source);
        crew_.run(canvases_.size(), [&](size_t i, int) {
            if (size_t(place[source[i]]) != i) canvases_[i]->become(*canvases_[place[source[i]]]);
        });
    }

    void set_brush(float radius, const std::array<float, 3>& rgb) {
        run(canvases_.size(), [=](size_t i, int) { canvases_[i]->pen.set_brush(radius, rgb.data()); });
    }

    void move(float x, float y) {
        run(canvases_.size(), [=](size_t i, int thread) { canvases_[i]->pen.move(*brushes_[thread], x, y); });
    }

    void stroke_to(float x, float y, float pressure, double seconds) {
        run(canvases_.size(), [=](size_t i, int thread) {
            canvases_[i]->pen.stroke_to(*brushes_[thread], x, y, pressure, seconds);
        });
    }

private:
    // One call at a time, for Python threads may share a batch.
    void run(size_t count, const Crew::Work& work) {
        py::gil_scoped_release released;
        std::lock_guard<std::mutex> guard(lock_);
        crew_.run(count, work);
    }

    // Puts each canvas that is a source where it, or else the first one, is wanted, and tells where that is.
    std::vector<int64_t> rearrange(const int64_t* source) {
        const size_t count = canvases_.size();
        std::vector<int64_t> place(count, -1);
        std::vector<std::unique_ptr<Canvas>> placed(count);
        for (size_t i = 0; i < count; ++i)
            if (size_t(source[i]) == i) place[i] = i;
        for (size_t i = 0; i < count; ++i)
            if (place[source[i]] < 0) place[source[i]] = i;
        for (size_t i = 0; i < count; ++i)
            if (place[i] >= 0) placed[place[i]] = std::move(canvases_[i]);
        size_t spare = 0;
        for (std::unique_ptr<Canvas>& canvas : placed) {
            if (canvas) continue;
            while (!canvases_[spare]) ++spare;
            canvas = std::move(canvases_[spare]);
        }
        canvases_ = std::move(placed);
        return place;
    }

    void show(size_t i, uint8_t* images, int factor) {
        canvases_[i]->picture.read(images + i * (bytes_ / factor / factor), factor);
    }

    const Recipe recipe_;
    std::vector<BrushPointer> brushes_;  // one for each thread, which pens share where they can
    std::vector<std::unique_ptr<Canvas>> canvases_;
    std::mutex lock_;
    Crew crew_;
    const size_t bytes_;  // of one picture
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
    py::class_<Recipe>(module, "Recipe")
        .def(py::init(&make_recipe), py::arg("values"), py::arg("curves"))
        .def_property_readonly("shareable", &Recipe::shareable);
    py::class_<Batch>(module, "Batch")
        .def(py::init<size_t, int, int, int, const Color&, float, Recipe, double, int>())
        .def("reset", &Batch::reset)
        .def("step", &Batch::step)
        .def("read", &Batch::read)
        .def("load", &Batch::load)
        .def("take", &Batch::take)
        .def("set_brush", &Batch::set_brush)
        .def("move", &Batch::move)
        .def("stroke_to", &Batch::stroke_to);
    py::register_exception<TooManyDabs>(module, "TooManyDabs", PyExc_ValueError);
    module.def("setting_from_name",
               [](const std::string& name) { return int(mypaint_brush_setting_from_cname(name.c_str())); });
    module.def("input_from_name",
               [](const std::string& name) { return int(mypaint_brush_input_from_cname(name.c_str())); });
    module.def("setting_default",
               [](int setting) { return mypaint_brush_setting_info(MyPaintBrushSetting(setting))->def; });
    module.attr("SETTINGS") = int(MYPAINT_BRUSH_SETTINGS_COUNT);
    module.attr("INPUTS") = int(MYPAINT_BRUSH_INPUTS_COUNT);
}
