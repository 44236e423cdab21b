// Stands in for Node's node_object_wrap.h when ssh2's crypto binding is built (scripts/setup.mjs
// includes it first, and the guard below keeps Node's own out).
//
// Since Node 24 the ObjectWrap of that header registers an environment clean-up hook in its
// constructor and removes it in its destructor. The destructor runs inside a garbage collection, and
// a collection that starts while no JavaScript runs (an idle server) has no current context: the
// removal then fails an assertion and ends the process. Without the hook nothing is lost but memory
// that the operating system takes back at exit anyway.
#ifndef SRC_NODE_OBJECT_WRAP_H_
#define SRC_NODE_OBJECT_WRAP_H_

#include <cassert>

#include "v8.h"

namespace node {

class ObjectWrap {
 public:
  ObjectWrap() = default;
  ObjectWrap(const ObjectWrap&) = delete;
  ObjectWrap& operator=(const ObjectWrap&) = delete;

  virtual ~ObjectWrap() {
    if (handle_.IsEmpty()) return;
    handle_.ClearWeak();
    handle_.Reset();
  }

  template <class T>
  static T* Unwrap(v8::Local<v8::Object> object) {
    assert(!object.IsEmpty() && object->InternalFieldCount() > 0);
    void* held = object->GetAlignedPointerFromInternalField(0);
    return static_cast<T*>(static_cast<ObjectWrap*>(held));
  }

 protected:
  void Wrap(v8::Local<v8::Object> object) {
    assert(handle_.IsEmpty() && object->InternalFieldCount() > 0);
    object->SetAlignedPointerInInternalField(0, this);
    handle_.Reset(v8::Isolate::GetCurrent(), object);
    handle_.SetWeak(this, Collected, v8::WeakCallbackType::kParameter);
  }

 private:
  static void Collected(const v8::WeakCallbackInfo<ObjectWrap>& info) {
    ObjectWrap* wrap = info.GetParameter();
    wrap->handle_.Reset();
    delete wrap;
  }

  v8::Global<v8::Object> handle_;
};

}  // namespace node

#endif  // SRC_NODE_OBJECT_WRAP_H_
