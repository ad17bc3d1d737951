// SPDX-License-Identifier: BSD-3-Clause
// A move-only callable without arguments or result (std::move_only_function is C++23).
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace cooper {

class job {
 public:
  job() = default;

  template <std::invocable F>
  requires(!std::same_as<std::remove_cvref_t<F>, job>) job(F&& f)
      : body_{std::make_unique<model<std::decay_t<F>>>(std::forward<F>(f))} {}

  explicit operator bool() const { return body_ != nullptr; }
  void operator()() { body_->run(); }

 private:
  struct concept_ {
    virtual ~concept_() = default;
    virtual void run() = 0;
  };
  template <class F>
  struct model final : concept_ {
    explicit model(F f) : f_{std::move(f)} {}
    void run() override { static_cast<void>(f_()); }
    F f_;
  };

  std::unique_ptr<concept_> body_;
};

}  // namespace cooper
